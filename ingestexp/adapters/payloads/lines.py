"""`payload=lines`: the lines of a file, plain or gzip: your own traffic.

Must live here: this payload only.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn, cast

import pyarrow as pa

from ingestexp.adapters.payloads.pool import Pool, lengths_of

if TYPE_CHECKING:
    from ingestexp.ports import Int32s, Notices

_MOST_BYTES: Final = 1 << 30


class PayloadFileError(ValueError):
    """The file of payloads can't be used; names it and says why. Meant for the user."""


class Lines:
    """Item i gets line i mod n, as bytes, without its line end (LF or CRLF).

    Empty lines are left out, with a notice: they carry nothing, and would count as items without cost.
    `is_json` holds if every line is a JSON document. The file is kept in memory (1 GiB at most).
    Raises PayloadFileError; with dictated sizes ValueError, since a line can't be cut to size.
    """

    def __init__(self, path: str | Path, notices: Notices) -> None:
        lines = [line.removesuffix(b"\r") for line in _read(Path(path)).split(b"\n")]
        if not lines[-1]:
            lines.pop()  # not a line: what follows the last line end
        kept = [line for line in lines if line]
        if not kept:
            raise PayloadFileError(f"payload.path: {path} has no lines")
        if len(kept) < len(lines):
            notices.add(f"{path}: {len(lines) - len(kept):,} empty lines left out of {len(lines):,}")
        self.is_json = _all_json(kept)
        payloads = pa.array(kept, pa.binary())
        self._pool = Pool(lengths_of(payloads), lambda: payloads)
        self.mean_bytes = self._pool.mean_bytes

    def __len__(self) -> int:
        return len(self._pool)

    def sizes(self, first: int, count: int) -> Int32s | int:
        return self._pool.sizes(first, count)

    def take(self, first: int, count: int, sizes: Int32s | None = None) -> Any:
        if sizes is not None:
            raise ValueError("payload=lines can't be cut to the load's sizes: leave out load.size_column")
        return self._pool.take(first, count)


def _read(path: Path) -> bytes:
    try:
        opened = gzip.open if path.name.lower().endswith(".gz") else open
        with cast("BinaryIO", opened(path, "rb")) as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise PayloadFileError(f"payload.path: there is no file {path}") from None
    except (EOFError, zlib.error):
        raise PayloadFileError(f"payload.path: {path}: the gzip data is damaged or ends too early") from None
    except OSError as failure:
        raise PayloadFileError(f"payload.path: {path} cannot be read: {failure.strerror or failure}") from None
    if len(content) > _MOST_BYTES:
        raise PayloadFileError(f"payload.path: {path} has more than 1 GiB: take an excerpt")
    return content


def _all_json(lines: list[bytes]) -> bool:
    """Strictly: NaN and Infinity, which Python would read, are not JSON. Stops at the first line that isn't."""
    try:
        for line in lines:
            json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
