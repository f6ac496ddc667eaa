"""A sweep's folder made by hand, and workers that only pretend: what a sweep decides, without Ray and without runs.

Must live here: manifests, a stand-in for the dispatcher and for the terminal. Must not: assertions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.compose import Plan, plan
from ingestexp.experiment.fingerprint import FINGERPRINT
from ingestexp.sweep.job import CellJob, Outcome, SweepOrder
from ingestexp.sweep.record import SweepRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ingestexp.sweep.dispatch import Kind, Watcher


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


class Line:
    """Stands in for `SweepLine`: keeps what is said and done, and each estimate of what is left."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.steps: list[str] = []
        self.etas: list[float] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def step(self, text: str) -> None:
        self.steps.append(text)

    def tick(self, eta_s: Callable[[], float]) -> None:
        self.etas.append(eta_s())

    def rerun(self, count: int) -> None: ...

    def begun(self, jobs: Sequence[CellJob]) -> None: ...

    def ended(self, job: CellJob, outcome: Outcome, run_dir: Path, eta_s: Callable[[], float]) -> None: ...


class Seats:
    """Stands in for `Cluster`: one place."""

    def seats(self, cores_each: int, most_a_host: int | None = None) -> list[None]:
        return [None]


@dataclass(slots=True)
class Hands:
    """Stands in for `Dispatcher`: each job is finished at once, in a second. `disturbed`: labels, at the first try."""

    disturbed: tuple[str, ...] = ()
    done: list[str] = field(default_factory=list)
    watcher: Watcher | None = None
    folder: Path | None = None

    def employed(self, cluster: Seats, order: SweepOrder, watcher: Watcher, cores_per_run: int) -> Hands:
        self.watcher, self.folder = watcher, order.folder
        return self

    def run(self, jobs: Sequence[CellJob], kind: Kind) -> None:
        assert self.watcher is not None
        assert self.folder is not None
        for job in jobs:
            self.watcher.tick()
            self.watcher.begun([job])
            leave_manifest(self.folder, job, counters={"committed": 1000}, ended_at_ns=10**9)
            self.done.append(job.label)
            disturbed = job.label in self.disturbed and not job.attempt
            self.watcher.ended(job, Outcome(job.number, job.folder, "completed", disturbed=disturbed, elapsed_s=1.0))

    def dismiss(self) -> None: ...
