"""Recordings in log files, plain or gzip: one item a line, its time stamp found by a regular expression.

Must live here: reading the lines. Must not: what a stamp means (stamp).
"""

from __future__ import annotations

import gzip
import re
from array import array
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import numpy as np
import pyarrow as pa

from ingestexp.adapters.loads.recording import Recording, ReplayError
from ingestexp.adapters.loads.stamp import BadValueError, FormatReader, StampReader, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestexp.ports import Int64s

COMBINED_PATTERN: Final = r"\[([^\]]+)\]"
COMBINED_FORMAT: Final = "%d/%b/%Y:%H:%M:%S %z"
"""Of the common and combined log formats of Apache httpd and nginx."""

_PART_LINES: Final = 65_536


def read_log(path: Path, timestamp_pattern: str | None, timestamp_format: str | None) -> Recording:
    """Blank lines don't count. Raises ReplayError with the line, and OSError and its like.

    Without a pattern: the combined log's. With a pattern but no format: ISO stamps or numbers.
    """
    if timestamp_pattern is None and timestamp_format is None:
        timestamp_format = COMBINED_FORMAT
    pattern = _compiled(COMBINED_PATTERN if timestamp_pattern is None else timestamp_pattern)
    found = _stamps(path, pattern)
    if timestamp_format is not None:
        stamps = _by_format(path, found, FormatReader(timestamp_format), timestamp_format)
    else:
        stamps = _by_kind(path, found)
    if not stamps.size:
        raise ReplayError(f"{path} is empty: not a line to replay")
    return Recording(stamps)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as failure:
        raise ReplayError(f"load.timestamp_pattern={pattern}: not a regular expression: {failure}") from None
    if compiled.groups != 1:
        raise ReplayError(
            f"load.timestamp_pattern={pattern}: needs one (group), the time stamp; it has {compiled.groups}"
        )
    return compiled


def _stamps(path: Path, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """(line number, text of the stamp) of every line that isn't blank."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with cast("BinaryIO", opened(path, "rb")) as lines:
        for number, raw in enumerate(lines, start=1):
            line = raw.decode("utf-8", "replace").strip()
            if line:
                match = pattern.search(line)
                if match is None or match[1] is None:
                    wrong = f"load.timestamp_pattern={pattern.pattern} does not match {shortened(line)}"
                    raise ReplayError(f"{path}, line {number}: {wrong}")
                yield number, match[1]


def _by_format(path: Path, found: Iterator[tuple[int, str]], reader: FormatReader, timestamp_format: str) -> Int64s:
    stamps = array("q")
    for number, text in found:
        try:
            stamps.append(reader.read(text))
        except ValueError:
            raise ReplayError(
                f"{path}, line {number}: {shortened(text)} does not match load.timestamp_format={timestamp_format}"
            ) from None
    return np.array(stamps, np.int64)


def _by_kind(path: Path, found: Iterator[tuple[int, str]]) -> Int64s:
    parts: list[Int64s] = [np.empty(0, np.int64)]
    lines: list[tuple[int, str]] = []
    reader = StampReader()
    for line in found:
        lines.append(line)
        if len(lines) == _PART_LINES:
            parts.append(_part(path, lines, reader))
            lines = []
    parts.append(_part(path, lines, reader))
    return np.concatenate(parts)


def _part(path: Path, lines: list[tuple[int, str]], reader: StampReader) -> Int64s:
    try:
        return reader.read(pa.array([text for _, text in lines], pa.string()))
    except BadValueError as bad:
        raise ReplayError(f"{path}, line {lines[bad.index][0]}: {bad}") from None
