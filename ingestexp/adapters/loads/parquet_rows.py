"""Recordings in Parquet files.

Must live here: reading them part by part. Must not: what a value means (stamp).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from ingestexp.adapters.loads.columns import BadCellError, choose_columns, to_recording
from ingestexp.adapters.loads.recording import Recording, ReplayError, concat
from ingestexp.adapters.loads.stamp import StampReader

if TYPE_CHECKING:
    from pathlib import Path


def read_parquet(
    path: Path,
    timestamp_column: str | None,
    size_column: str | None,
    count_column: str | None,
    timestamp_format: str | None,
) -> Recording:
    """Raises ReplayError with the row (counted from 1), and OSError."""
    parts: list[Recording] = []
    rows = 0
    stamps = StampReader(timestamp_format)
    try:
        with pq.ParquetFile(path) as file:
            columns = choose_columns(path, file.schema_arrow.names, timestamp_column, size_column, count_column)
            for part in file.iter_batches(columns=columns.names):
                parts.append(to_recording(columns, part, stamps))
                rows += len(part)
    except BadCellError as bad:
        raise ReplayError(f"{path}, row {rows + bad.index + 1}, {bad}") from None
    except pa.ArrowInvalid as failure:
        raise ReplayError(f"{path}: cannot be read as Parquet: {failure}") from None
    if not rows:
        raise ReplayError(f"{path} has no rows")
    return concat(parts)
