"""From a file to a recording that can be played: the reader for its kind, then sorted.

Must live here: the choice of the reader, what holds for every kind of file. Must not: the reading of one kind
(csv_rows, parquet_rows, log_lines), nor the playing (replay).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from ingestexp.adapters.loads.csv_rows import read_csv
from ingestexp.adapters.loads.log_lines import read_log
from ingestexp.adapters.loads.parquet_rows import read_parquet
from ingestexp.adapters.loads.recording import Recording, ReplayError

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.ports import Notices

_UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a plain or gzip file raises when the file is missing, forbidden, cut short or not gzip."""


def read_recording(
    path: Path,
    timestamp_column: str | None,
    size_column: str | None,
    count_column: str | None,
    timestamp_pattern: str | None,
    timestamp_format: str | None,
    notices: Notices,
) -> Recording:
    """Rows sorted by stamp (stable), rows of count 0 left out, at least one row. Raises ReplayError."""
    plain = path.name.lower().removesuffix(".gz")
    try:
        if not path.exists():
            raise FileNotFoundError
        if plain.endswith((".parquet", ".pq")):
            found = read_parquet(path, timestamp_column, size_column, count_column, timestamp_format)
        elif plain.endswith(".csv") and timestamp_pattern is None:
            found = read_csv(path, timestamp_column, size_column, count_column, timestamp_format)
        else:
            for key, column in (("size_column", size_column), ("count_column", count_column)):
                if column is not None:
                    raise ReplayError(f"load.{key}={column}: {path} is read as log lines, which have no columns")
            if timestamp_column is not None:
                notices.add(f"load.timestamp_column={timestamp_column} is not used: {path} is read as log lines")
            found = read_log(path, timestamp_pattern, timestamp_format)
    except _UNREADABLE as failure:
        raise _describe(path, failure) from None
    if found.counts is not None:
        found = found.take(np.flatnonzero(found.counts))
        if not found.stamps_ns.size:
            raise ReplayError(f"{path}: column {count_column} is 0 in every row, so there is nothing to play")
    return _sorted(found, path, notices)


def _sorted(found: Recording, path: Path, notices: Notices) -> Recording:
    late = int(np.count_nonzero(found.stamps_ns < np.maximum.accumulate(found.stamps_ns)))
    if late:
        notices.add(
            f"{path}: {late:,} of {found.stamps_ns.size:,} rows stood after a later one; sorted by time for the replay"
        )
        found = found.take(np.argsort(found.stamps_ns, kind="stable"))
    if int(found.stamps_ns[-1]) - int(found.stamps_ns[0]) >= 1 << 62:
        raise ReplayError(f"{path}: the first and the last time stamp are more than 146 years apart")
    return found


def _describe(path: Path, failure: BaseException) -> ReplayError:
    """The error for one of `_UNREADABLE`."""
    if isinstance(failure, FileNotFoundError):
        return ReplayError(f"load.path: there is no file {path}")
    if isinstance(failure, EOFError | zlib.error):
        return ReplayError(f"{path}: the gzip data is damaged or ends too early")
    reason = getattr(failure, "strerror", None) or str(failure)
    return ReplayError(f"{path}: cannot be read: {reason}")
