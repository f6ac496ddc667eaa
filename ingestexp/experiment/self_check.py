"""What a run checks about itself once its evidence is closed. Trusts no counter in memory.

Must live here: the ledger by id, the read-back of the sink, the generator's lateness, how calm the host
was. Must not: verdicts (`report`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.host_check import host_check
from ingestexp.ports import Saturate, SinkError
from ingestexp.trace.host_samples import host_samples
from ingestexp.trace.id_space import IdSpace
from ingestexp.trace.ledger import audit_readback, balance, fates, lateness_quantile_ns

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.experiment.build import Parts
    from ingestexp.trace.writer import TraceWriter


def self_checks(
    run_dir: Path,
    offered: int,
    parts: Parts,
    writer: TraceWriter | None,
    simulated: bool,
    others_cpu_ratio: float | None = None,
    served: bool = False,
) -> dict[str, Any]:
    """The manifest's `self_checks`; without a trace (`writer` None) only what needs none. Raises OSError.

    Of a redrive also what became of its dead letters, under `redriven`.

    `others_cpu_ratio` and `served`: see `host_check`.
    """
    checks: dict[str, Any] = {"generator": {"lateness_p99_ns": None}}
    if writer is None:
        return checks
    redrive = parts.redrive
    space = IdSpace(offered) if redrive is None else redrive.id_space(offered)
    by_place, repeated = fates(run_dir, offered, space)
    checks["ledger"] = balance(by_place, repeated).as_dict()
    checks["readback"] = _readback(by_place, space, parts) if parts.sink.durable and not simulated else None
    if redrive is not None:
        checks["redriven"] = redrive.results(by_place)
    checks["trace"] = {
        "item_rows": writer.item_rows,
        "item_bytes": writer.item_bytes,
        "bytes_per_item": writer.item_bytes / max(1, writer.item_rows),
        "parts": writer.item_parts,
        "writer_stall_ns": writer.stall_ns,
    }
    if not simulated:
        checks["host"] = host_check(host_samples(run_dir), os.cpu_count() or 1, others_cpu_ratio, served)
    if not simulated and not isinstance(parts.load, Saturate):
        checks["generator"]["lateness_p99_ns"] = lateness_quantile_ns(run_dir, 0.99)
    return checks


def _readback(by_place: Any, space: IdSpace, parts: Parts) -> dict[str, Any]:
    """The audit, or why it could not be made: a store that can't be read does not hold what it acknowledged."""
    held_before = None if parts.redrive is None else parts.redrive.held_before
    try:
        return audit_readback(by_place, parts.sink.read_back(), space, held_before).as_dict()
    except SinkError as error:
        return {"ok": False, "error": str(error)}
