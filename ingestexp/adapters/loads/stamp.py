"""From what stands in a column to int64: time stamps and whole numbers, a whole Arrow array at a time.

Must live here: the conversion and which value it failed on. Must not: files, rows or lines (the readers turn a
`BadValueError` into an error that names them).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestexp.ports import Int64s

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ZONED: Final = re.compile(r".*:\d\d(\.\d+)?\s*(Z|UTC|[+-]\d\d(:?\d\d)?)")
_DATED: Final = re.compile(r"\d{4}-\d\d-\d\d")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_SECONDS: Final = 9.2e9
"""int64 nanoseconds reach to the year 2262."""
LARGEST: Final = 2**31 - 1
"""The largest size in bytes and the largest count of one row."""
STAMP_HELP: Final = "a stamp such as 2023-11-16 18:15:46.68, a number of seconds, or set load.timestamp_format"


class BadValueError(Exception):
    """`index` of the first unreadable value in the array, and what is wrong with it."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def shortened(text: str) -> str:
    """For an error message: quoted, on one line, at most 60 characters of it."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


class StampReader:
    """Reads the time stamps of one column, part by part.

    Texts are read by `timestamp_format` (strptime) if given, else all like the column's first: as seconds, as ISO
    stamps with a zone, or as ISO stamps without one (taken as UTC).
    """

    def __init__(self, timestamp_format: str | None = None) -> None:
        self._by_format = None if timestamp_format is None else FormatReader(timestamp_format)
        self._first = ""

    def read(self, values: Any) -> Int64s:
        """An Arrow array of strings, numbers (seconds), timestamps or dates as ns (n,). Raises BadValueError."""
        if len(values) == 0:
            return np.empty(0, np.int64)
        values = _without_null(values)
        kind = values.type
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            return _converted(values, lambda part: _int64s(part.cast(pa.timestamp("ns"))), "beyond the year 2262")
        if pa.types.is_floating(kind):
            return _ns_of_floats(values.to_numpy(zero_copy_only=False))
        if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            values = values.cast(pa.string())
        elif not pa.types.is_string(kind):
            raise BadValueError(0, f"of type {kind} (allowed: timestamp, date, number, string)")
        return self._read_texts(values)

    def _read_texts(self, texts: Any) -> Int64s:
        if self._by_format is not None:
            return np.array(self._by_format.read_all(texts), np.int64)
        texts = pc.utf8_trim_whitespace(texts)
        self._first = first = self._first or texts[0].as_py()
        like_first = f" like the first one ({first})" if _NUMBER.fullmatch(first) or _DATED.match(first) else ""
        wrong = f"no time stamp{like_first}; allowed: {STAMP_HELP}"
        if _NUMBER.fullmatch(first):
            return _ns_of_numbers(texts, wrong)
        unit = pa.timestamp("ns", "UTC" if _ZONED.fullmatch(first) else None)
        if unit.tz:
            texts = pc.replace_substring_regex(texts, r"\s*(?:Z|UTC)$", "Z")
            texts = pc.replace_substring_regex(texts, r"\s+([+-]\d\d(?::?\d\d)?)$", r"\1")
        return _converted(texts, lambda part: _int64s(part.cast(unit)), wrong)


def whole_numbers(values: Any, largest: int = LARGEST) -> Int64s:
    """An Arrow array of strings or numbers as int64 within 0..largest. Raises BadValueError."""
    if len(values) == 0:
        return np.empty(0, np.int64)
    values = _without_null(values)
    if pa.types.is_string(values.type):
        values = pc.utf8_trim_whitespace(values)
    elif not (
        pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)
    ):
        raise BadValueError(0, f"a column of type {values.type} holds no whole numbers")
    allowed = f"allowed: whole numbers from 0 to {largest:,}"
    numbers = _converted(values, _int64s, f"no whole number; {allowed}")
    outside = np.flatnonzero((numbers < 0) | (numbers > largest))
    if outside.size:
        index = int(outside[0])
        raise BadValueError(index, f"{numbers[index]} is out of range; {allowed}")
    return numbers


class FormatReader:
    """Stamps in one strptime format; a stamp without a zone is UTC. Remembers what it read: logs repeat seconds."""

    def __init__(self, timestamp_format: str) -> None:
        self._format = timestamp_format
        self._known: dict[str, int] = {}

    def read(self, text: str) -> int:
        """Raises ValueError when the text does not match, or is beyond the year 2262."""
        ns = self._known.get(text)
        if ns is None:
            moment = datetime.strptime(text, self._format)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
            ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
            if abs(ns) >= 1 << 63:
                raise ValueError(text)
            if len(self._known) > 65_536:
                self._known.clear()
            self._known[text] = ns
        return ns

    def read_all(self, values: Any) -> list[int]:
        """Raises BadValueError."""
        found: list[int] = []
        for text in values.to_pylist():
            try:
                found.append(self.read(text))
            except ValueError:
                raise BadValueError(
                    len(found), f"{shortened(text)} does not match load.timestamp_format={self._format}"
                ) from None
        return found


def _without_null(values: Any) -> Any:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type):
        values = values.cast(pa.string())
    if values.null_count:
        raise BadValueError(pc.index(values.is_null(), True).as_py(), "is empty (NULL)")
    return values


def _int64s(values: Any) -> Int64s:
    numbers: Int64s = values.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _converted(values: Any, convert: Callable[[Any], Int64s], wrong: str) -> Int64s:
    """All at once; if that fails, halve to the first value that can't be converted."""
    try:
        return convert(values)
    except pa.ArrowInvalid:
        start, count = 0, len(values)
        while count > 1:
            half = count // 2
            try:
                convert(values.slice(start, half))
            except pa.ArrowInvalid:
                count = half
            else:
                start, count = start + half, count - half
        raise BadValueError(start, f"{shortened(str(values[start].as_py()))} is {wrong}") from None


def _ns_of_numbers(texts: Any, wrong: str) -> Int64s:
    """Decimal digits of seconds as ns, exact (a float64 of epoch seconds is good to 240 ns only)."""
    digits = pc.replace_substring_regex(texts, r"^([^.eE]*\.\d{9})\d+$", r"\1")
    try:
        decimals = digits.cast(pa.decimal128(38, 9))
    except pa.ArrowInvalid:  # too many digits after an exponent, or not a number at all
        return _ns_of_floats(_converted(texts, lambda part: part.cast(pa.float64()).to_numpy(), wrong))
    words = np.frombuffer(decimals.buffers()[1], np.int64)[2 * decimals.offset :].reshape(
        -1, 2
    )  # low, high of 128 bits
    if np.array_equal(words[:, 1], words[:, 0] >> 63):
        return words[:, 0].copy()
    return _ns_of_floats(decimals.cast(pa.float64()).to_numpy())  # raises: a value is beyond int64 ns


def _ns_of_floats(seconds: np.ndarray[Any, Any]) -> Int64s:
    seconds = seconds.astype(np.float64)
    outside = np.flatnonzero(~(np.abs(seconds) < _MAX_SECONDS))  # NaN too
    if outside.size:
        index = int(outside[0])
        raise BadValueError(
            index, f"{seconds[index]:.17g} is no number of seconds before the year 2262 (milliseconds?)"
        )
    whole = np.floor(seconds)
    stamps: Int64s = whole.astype(np.int64) * 1_000_000_000
    stamps += np.rint((seconds - whole) * 1e9).astype(np.int64)
    return stamps
