"""What the closed trace of a run that died knows last.

Must live here: the last row of `samples`. Must not: what it means for the run (`experiment.supervisor`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS: Final = ("at_ns", "offered", "committed", "dropped", "dead_lettered", "rss_bytes")


def last_sample(run_dir: Path) -> dict[str, Any] | None:
    """Its columns by name, `rss_bytes` the most of all samples; None where no sample was closed."""
    try:
        files = sorted((run_dir / "samples").glob("[0-9]*.parquet"))
        tables = [pq.read_table(file, columns=list(_COLUMNS)) for file in files]
    except (OSError, pa.ArrowInvalid):
        return None
    rows = pa.concat_tables(tables).sort_by("at_ns").to_pylist() if tables else []
    if not rows:
        return None
    seen = [row["rss_bytes"] for row in rows if row["rss_bytes"] is not None]
    last: dict[str, Any] = rows[-1]
    return last | {"rss_bytes": max(seen, default=None)}
