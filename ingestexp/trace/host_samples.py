"""Reads back what the closed trace's samples say of the host.

Must live here: the columns as arrays. Must not: judging them (`experiment.host_check`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS: Final = ("at_ns", "stall_max_ns", "steal_ns", "psi_cpu_some_us", "psi_io_full_us", "disk_stall_max_ns")


@dataclass(frozen=True, slots=True)
class HostSamples:
    """float64 (n,) each, in the order of time; NaN where the host did not say."""

    at_ns: Any
    stall_max_ns: Any
    steal_ns: Any
    psi_cpu_some_us: Any
    psi_io_full_us: Any
    disk_stall_max_ns: Any


def host_samples(run_dir: Path) -> HostSamples:
    """Of a closed run. Raises OSError."""
    files = sorted(path for path in (run_dir / "samples").glob("*.parquet") if not path.name.startswith("."))
    tables = [pq.read_table(path, columns=list(_COLUMNS)) for path in files]
    if not tables:
        empty = pa.array([], pa.float64()).to_numpy()
        return HostSamples(*[empty] * len(_COLUMNS))
    rows = pa.concat_tables(tables).sort_by("at_ns")
    return HostSamples(*(rows.column(name).cast(pa.float64()).to_numpy() for name in _COLUMNS))
