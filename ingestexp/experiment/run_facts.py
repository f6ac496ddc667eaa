"""What a manifest says of a run's parts before it is driven, and of its counters after.

Must live here: the sections `sink`, `load` and `counters`, which disk is watched. Must not: the file (`manifest`), the
order of a run's steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestexp.engine.stall_probe import disk_stat
from ingestexp.experiment.manifest import sink_filesystem
from ingestexp.experiment.schema.pipeline import SpillPolicy
from ingestexp.experiment.spill import FOLDER
from ingestexp.ports import Saturate

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.core.pipeline import Pipeline
    from ingestexp.experiment.build import Parts
    from ingestexp.experiment.schema import RunConfig
    from ingestexp.trace.tally import Totals


def disk_below(config: RunConfig, parts: Parts, run_dir: Path) -> Path | None:
    """The counters of the disk that an acknowledgement waits for; None where it waits for none of this host."""
    path = getattr(config.sink, "path", None) if parts.redrive is None else str(parts.redrive.store)
    if parts.sink.durable and hasattr(config.sink, "path"):
        return disk_stat((run_dir / (path or "sink")).parent)
    if isinstance(config.policy, SpillPolicy):
        return disk_stat(run_dir / (config.policy.spill_path or FOLDER))
    return None


def described(parts: Parts, sink_config: dict[str, Any], run_dir: Path, simulated: bool) -> dict[str, Any]:
    """Of the sink and the load, as they were built."""
    sink, load = parts.sink, parts.load
    where = sink_config if parts.redrive is None else {**sink_config, "path": str(parts.redrive.store)}
    return {
        "sink": {
            "name": sink.name,
            "durable": sink.durable,
            "simulated": sink.simulated or simulated,
            "filesystem": sink_filesystem(where, run_dir),
        },
        "load": {
            "phases": list(load.phases),
            "duration_ns": load.duration_ns,
            "expected_items": getattr(load, "expected_items", None),
            "saturate": isinstance(load, Saturate),
        },
    }


def counted(core: Pipeline, totals: Totals, parked_again: int) -> dict[str, int]:
    """Items by their fate, and what the sink said. `parked_again`: by a redrive, without being offered to the core."""
    return {
        "offered": core.offered + parked_again,
        "committed": core.committed,
        "dropped": core.dropped,
        "dead_lettered": core.dead_lettered + parked_again,
        "unsettled": core.unsettled,
        "batches": totals.batches,
        "attempts_failed": totals.attempts_failed,
        **totals.sums(),
    }
