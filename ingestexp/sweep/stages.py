"""Runs the cells of a plan: stage after stage, repeat by repeat, disturbed ones once more.

Must live here: the order of cells, what is frozen between stages, which cells are run again. Must not: workers
(`dispatch`), words (`progress`), folders (`entry`).
"""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.build import make_sink
from ingestexp.experiment.schema.run import ClockKind
from ingestexp.sweep.dispatch import Dispatcher, Kind
from ingestexp.sweep.estimate import Pace, expected_s
from ingestexp.sweep.fate import has_begun, supersede
from ingestexp.sweep.freezing import NothingToGoBy, freeze, with_frozen
from ingestexp.sweep.job import CellJob, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ingestexp.experiment.cells import Cell
    from ingestexp.experiment.compose import Plan
    from ingestexp.experiment.schema.run import RunConfig
    from ingestexp.experiment.schema.sweep import SweepSection
    from ingestexp.sweep.cluster import Cluster
    from ingestexp.sweep.job import SweepOrder
    from ingestexp.sweep.progress import SweepLine
    from ingestexp.sweep.record import SweepRecord
    from ingestexp.sweep.resume import Earlier


class Conductor:
    """Implements `dispatch.Watcher`. `run` returns when there is no more to do, or the user asked for the end."""

    def __init__(
        self,
        plan: Plan,
        cluster: Cluster,
        order: SweepOrder,
        record: SweepRecord,
        line: SweepLine,
        interrupts: Callable[[], int],
        earlier: Earlier | None,
    ) -> None:
        self._plan = plan
        self._order = order
        self._record = record
        self._line = line
        self._interrupts = interrupts
        self._earlier = earlier
        self._kinds = {cell.number: kind_of(cell.config, plan.sweep) for cell in plan.cells}
        self._at_once = {
            kind: max(1, len(cluster.seats(1 if kind is Kind.simulated else plan.sweep.cores_per_run))) for kind in Kind
        } | {Kind.exclusive: 1}
        self._expected = {cell.number: expected_s(cell.config, self._kinds[cell.number]) for cell in plan.cells}
        self._pace = Pace()
        self._current: dict[int, CellJob] = {}
        self._older: dict[int, tuple[str, dict[str, Any] | None]] = {}
        """Of cells that run again: the older attempt's folder, and its row if it had finished."""
        self._dispatcher = Dispatcher(cluster, order, self, plan.sweep.cores_per_run)
        for cell in plan.cells:
            self._enter(cell)

    def run(self) -> None:
        try:
            for name in dict.fromkeys(cell.stage for cell in self._plan.cells):
                cells = [cell for cell in self._plan.cells if cell.stage == name]
                if self._interrupts():
                    return
                if self._freeze(name, cells):
                    self._run_stage(cells)
        finally:
            self._dispatcher.dismiss()
            for number, row in list(self._record.rows.items()):
                _, finished = self._older.pop(number, ("", None))
                if finished is not None:  # and the rerun did not come to its end
                    self._record.restore(finished)
                elif row["status"] == "running":  # handed out, but not begun when the end was asked for
                    self._record.put(self._current[number], "pending")

    # -- dispatch.Watcher --------------------------------------------------------------------------------

    def begun(self, jobs: Sequence[CellJob]) -> None:
        for job in jobs:
            self._record.put(job, "running")
        self._line.begun(jobs)
        self._record.save()

    def ended(self, job: CellJob, outcome: Outcome) -> None:
        older, finished = self._older.pop(job.number, ("", None))
        if finished is None or outcome.finished:
            self._record.put(job, outcome.status, outcome)
            if older:
                supersede(self._order.folder / older)
        else:
            self._record.restore(finished)
            supersede(self._order.run_dir(job))
        self._pace.ended(self._expected[job.number], outcome.elapsed_s)
        self._line.ended(job, outcome, self._order.run_dir(job), self._eta_s)
        self._record.save()

    def tick(self) -> None:
        self._line.tick(self._eta_s)
        self._record.save()

    def judging(self, count: int) -> None:
        self._record.save(now=True)
        self._line.step(f"judging {count:,} runs …")

    def interrupts(self) -> int:
        count = self._interrupts()
        if count:
            self._line.ending(count)
        return count

    # -- one stage ---------------------------------------------------------------------------------------

    def _run_stage(self, cells: list[Cell]) -> None:
        numbers = [cell.number for cell in in_turn(cells)]
        self._dispatch([self._current[number] for number in numbers if self._row(number)["status"] != "completed"])
        if not self._plan.sweep.rerun_disturbed or self._interrupts():
            return
        disturbed = {self._row(number)["repeat"] for number in numbers if self._is_disturbed_for_once(number)}
        again = [  # a cell that failed has said so; running its pair again must not make that unsaid
            number
            for number in numbers
            if self._row(number)["repeat"] in disturbed and self._row(number)["status"] == "completed"
        ]
        if any(getattr(self._current[number].config.sink, "path", None) for number in again):
            self._line.say(
                "the host was disturbed beside some cells; they are not run again: sink.path holds their items"
            )
        elif again:
            run = "1 cell runs" if len(again) == 1 else f"{len(again)} cells run"
            self._line.say(f"{run} once more: the host was disturbed beside them or their pair")
            self._line.rerun(len(again))
            for number in again:
                row = self._row(number)
                self._older[number] = (row["folder"], dict(row))
                self._current[number] = self._next_attempt(self._current[number], "disturbed")
            self._dispatch([self._current[number] for number in again])

    def _is_disturbed_for_once(self, number: int) -> bool:
        return self._row(number)["disturbed"] and self._current[number].again != "disturbed"

    def _dispatch(self, jobs: Sequence[CellJob]) -> None:
        for kind in Kind:  # simulated ones first: nothing else runs beside a live one that goes alone
            self._dispatcher.run([job for job in jobs if self._kinds[job.number] is kind], kind)

    def _freeze(self, name: str, cells: list[Cell]) -> bool:
        """Set what earlier stages decide about this one; False (and said so) where they have nothing to decide from."""
        known = {} if self._earlier is None else self._earlier.stage(name)
        try:
            if any(cell.decided_by for cell in cells) and not known.get("decided"):
                self._line.step("deciding from the stages before …")
            frozen = freeze(cells, known, list(self._record.rows.values()), self._order.folder)
        except NothingToGoBy as error:
            self._line.say(f"stage {name} is left out: it {error}")
            for cell in cells:
                job = self._current[cell.number]
                self._record.put(job, "failed", Outcome(job.number, job.folder, "failed", f"not run: it {error}"))
            return False
        if frozen.facts.get("decided"):
            self._line.say(f"stage {name}: {frozen.facts['decided']['says']}")
        for cell in cells:
            self._current[cell.number] = with_frozen(self._current[cell.number], frozen)
        self._record.stages.append(frozen.facts)
        self._record.save(now=True)
        return True

    # -- attempts ----------------------------------------------------------------------------------------

    def _enter(self, cell: Cell) -> None:
        """The cell's row: as an earlier sweep left it, or pending."""
        job = CellJob.of(cell)
        found = None if self._earlier is None else self._earlier.attempts.get(cell.cell_hash)
        if found is not None:
            job = dataclasses.replace(job, attempt=found.attempt, again=found.again)
        if found is not None and found.usable:
            outcome = Outcome(job.number, found.folder, found.status, None, found.disturbed)
            self._record.put(job, found.status, outcome)
        else:
            if found is not None:
                self._older[cell.number] = (found.folder, None)
                job = self._next_attempt(job, "failed")
            self._record.put(job, "pending")
        self._current[cell.number] = job

    def _next_attempt(self, job: CellJob, why: str) -> CellJob:
        again = dataclasses.replace(job, attempt=job.attempt + 1, again=why)
        while has_begun(self._order.run_dir(again)):
            again = dataclasses.replace(again, attempt=again.attempt + 1)
        return again

    def _row(self, number: int) -> dict[str, Any]:
        return self._record.rows[number]

    def _eta_s(self) -> float:
        rest = (
            (self._expected[number], self._at_once[self._kinds[number]])
            for number, row in self._record.rows.items()
            if row["status"] in ("pending", "running")
        )
        return self._pace.eta_s(rest)


def kind_of(config: RunConfig, sweep: SweepSection) -> Kind:
    """Live cells whose sink has to make things durable go alone, unless the user says otherwise."""
    if config.clock is ClockKind.simulated:
        return Kind.simulated
    alone = sweep.exclusive if sweep.exclusive is not None else make_sink(config, Path()).durable
    return Kind.exclusive if alone else Kind.live


def in_turn(cells: Iterable[Cell]) -> list[Cell]:
    """Repeat by repeat; within one its variants, a pair that stays together, in an order drawn from the seed."""
    by_repeat: dict[int, list[Cell]] = {}
    for cell in cells:
        by_repeat.setdefault(cell.repeat, []).append(cell)
    ordered = []
    for repeat, group in sorted(by_repeat.items()):
        draw = random.Random(f"{group[0].config.seed} {group[0].stage} {repeat}")
        ordered += draw.sample(group, len(group))
    return ordered
