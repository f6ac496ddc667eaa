"""A sweep's folder made by hand, and workers that only pretend: what a sweep decides, without Ray and without runs.

Must live here: manifests, a stand-in for the dispatcher and for the terminal. Must not: assertions.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.compose import Plan, plan
from ingestexp.experiment.fingerprint import FINGERPRINT
from ingestexp.sweep.job import CellJob, SweepOrder
from ingestexp.sweep.record import SweepRecord

if TYPE_CHECKING:
    from pathlib import Path


CODE = "1+gabc"
HOST: dict[str, Any] = {**dict.fromkeys(FINGERPRINT, "as ever"), "boot_id": "b"}


def plan_in(folder: Path, *overrides: str) -> Plan:
    found = plan([f"hydra.sweep.dir={folder}", "clock=simulated", "sink=model", *overrides], True)
    assert found.mistakes == []
    return found


def order_in(folder: Path) -> SweepOrder:
    return SweepOrder(folder, "by hand", None, [], {}, str(folder))


def leave_manifest(folder: Path, job: CellJob, status: str = "completed", **changes: Any) -> None:
    """As the run of this attempt would have."""
    run_dir = folder / job.folder
    run_dir.mkdir(parents=True, exist_ok=True)
    cell = order_in(folder).cell_facts(job)
    facts = {"status": status, "code_version": CODE, "host": HOST, "cell": cell, "self_checks": {}, **changes}
    (run_dir / "manifest.json").write_text(json.dumps(facts))


def leave_sweep(folder: Path, whole: Plan, status: str = "interrupted", **head: Any) -> None:
    """`sweep.yaml` of a sweep of these cells, all of them pending as far as it knows."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {"sweep_id": "by hand", "code_version": CODE, "host": HOST, **head}
    record = SweepRecord(folder, head, head.pop("stages", []))
    for cell in whole.cells:
        record.put(CellJob.of(cell), "pending")
    record.finish(status)
