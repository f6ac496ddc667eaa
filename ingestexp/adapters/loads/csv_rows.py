"""Recordings in CSV files, plain or gzip.

Must live here: reading them part by part, and finding the line of a bad row. Must not: what a value means (stamp).
"""

from __future__ import annotations

import csv
import gzip
from typing import TYPE_CHECKING, TextIO, cast

import pyarrow as pa
import pyarrow.csv as pa_csv

from ingestexp.adapters.loads.columns import BadCellError, choose_columns, to_recording
from ingestexp.adapters.loads.recording import Recording, ReplayError, concat
from ingestexp.adapters.loads.stamp import StampReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK_BYTES = 4 << 20


def read_csv(
    path: Path,
    timestamp_column: str | None,
    size_column: str | None,
    count_column: str | None,
    timestamp_format: str | None,
) -> Recording:
    """The first line names the columns; empty lines don't count. Raises ReplayError, and OSError and its like."""
    header = next(_rows(path), (0, []))[1]
    if not header:
        raise ReplayError(f"{path} is empty: a CSV file with a header line is expected")
    columns = choose_columns(path, header, timestamp_column, size_column, count_column)
    parts: list[Recording] = []
    rows = 0
    stamps = StampReader(timestamp_format)
    try:
        with pa_csv.open_csv(
            path,
            read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                include_columns=columns.names, column_types=dict.fromkeys(columns.names, pa.string())
            ),
        ) as reader:
            for part in reader:
                parts.append(to_recording(columns, part, stamps))
                rows += len(part)
    except BadCellError as bad:
        raise ReplayError(f"{path}, line {_line_of_row(path, rows + bad.index)}, {bad}") from None
    except pa.ArrowInvalid as failure:
        raise _ragged(path, len(header), failure) from None
    if not rows:
        raise ReplayError(f"{path} has a header line, but no rows")
    return concat(parts)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(last line number, fields) of the header and each row, empty lines left out. Slow: for the header and errors."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with cast("TextIO", opened(path, "rt", encoding="utf-8-sig", errors="replace", newline="")) as text:
        reader = csv.reader(text)
        for row in reader:
            if row:
                yield reader.line_num, row


def _line_of_row(path: Path, row: int) -> int:
    for index, (line, _) in enumerate(_rows(path), start=-1):
        if index == row:
            return line
    return 0


def _ragged(path: Path, width: int, failure: Exception) -> ReplayError:
    for line, row in _rows(path):
        if len(row) != width:
            return ReplayError(f"{path}, line {line}: {len(row)} fields where the header has {width}")
    return ReplayError(f"{path}: cannot be read as CSV: {failure}")
