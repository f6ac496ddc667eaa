"""The columns of a table that make a recording: which ones, and what is in them.

Must live here: finding the named columns, turning their Arrow arrays into a `Recording`. Must not: reading a file.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestexp.adapters.loads.recording import Recording, ReplayError
from ingestexp.adapters.loads.stamp import BadValueError, StampReader, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(slots=True, frozen=True)
class Columns:
    """Names of the time stamp's column, and of the sizes' and counts' (None: there is none)."""

    timestamp: str
    size: str | None
    count: str | None

    @property
    def names(self) -> list[str]:
        """Those that have to be read, each once."""
        return list(dict.fromkeys(name for name in (self.timestamp, self.size, self.count) if name is not None))


class BadCellError(Exception):
    """A `BadValueError` with the column it stands in; `index` counts the rows of this part from 0."""

    def __init__(self, column: str, bad: BadValueError) -> None:
        super().__init__(f"column {column}: {bad}")
        self.index = bad.index


def choose_columns(
    path: Path, there: Sequence[str], timestamp_column: str | None, size_column: str | None, count_column: str | None
) -> Columns:
    """Raises ReplayError if one is not `there`, or none is named for the stamps."""
    listed = ", ".join(there)
    if timestamp_column is None:
        raise ReplayError(
            f"load.timestamp_column is not set: name the column of {path} with the time stamps, out of {listed}"
        )
    wanted = (("timestamp_column", timestamp_column), ("size_column", size_column), ("count_column", count_column))
    for key, name in wanted:
        if name is not None and name not in there:
            lower = {column.lower(): column for column in there}
            near = difflib.get_close_matches(name.lower(), lower, n=1)
            hint = f" (did you mean {lower[near[0]]}?)" if near else ""
            raise ReplayError(f"load.{key}={name}: no such column in {path}, which has {listed}{hint}")
    return Columns(timestamp_column, size_column, count_column)


def to_recording(columns: Columns, part: Any, stamp_reader: StampReader) -> Recording:
    """A part of the table (Arrow RecordBatch) as a recording. Raises BadCellError for a column's first bad cell."""
    column = columns.timestamp
    try:
        stamps = stamp_reader.read(part.column(column))
        sizes = counts = None
        if columns.size is not None:
            column = columns.size
            sizes = whole_numbers(part.column(column)).astype(np.int32)
        if columns.count is not None:
            column = columns.count
            counts = whole_numbers(part.column(column))
    except BadValueError as bad:
        raise BadCellError(column, bad) from None
    return Recording(stamps, sizes, counts)
