"""Runs the cells of a plan: stage after stage, repeat by repeat, disturbed ones once more.

Must live here: the order of cells, what is frozen between stages, which cells are run again. Must not: workers
(`dispatch`), words (`progress`), folders (`entry`).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.sweep_folder import is_finished
from ingestexp.sweep.dispatch import Dispatcher, Kind
from ingestexp.sweep.estimate import Pace, expected_s
from ingestexp.sweep.fate import has_begun, supersede
from ingestexp.sweep.freezing import Decisions, NothingToGoBy, freeze, with_frozen
from ingestexp.sweep.job import CellJob, Outcome
from ingestexp.sweep.resume import keep
from ingestexp.sweep.turns import in_turn, is_all_the_time, kind_of, to_run_again

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestexp.experiment.cells import Cell
    from ingestexp.experiment.compose import Plan
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
        """Of cells that run again: the older attempt's folder, and its row if that one counts until then."""
        self._fresh: set[int] = set()
        """What has run to its end by now, in this execution."""
        self._decisions = Decisions(order.folder, record.stages, line)
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
            if outcome.finished:
                self._fresh.add(job.number)
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
        self._dispatch([self._current[number] for number in numbers if not is_finished(self._row(number))])
        if not self._plan.sweep.rerun_disturbed or self._interrupts():
            return
        disturbed = [number for number in numbers if self._is_disturbed_for_once(number)]
        again = to_run_again(disturbed, {number: self._row(number) for number in numbers})
        if is_all_the_time(len(disturbed), len(numbers)):
            self._line.say(
                f"the host was disturbed beside {len(disturbed)} of {len(numbers)} cells: it would be no calmer if all "
                "of them ran again"
            )
            again = self._spoiled(disturbed)
        if any(_writes_to_a_store_that_stays(self._current[number]) for number in again):
            self._line.say(
                "the host was disturbed beside some cells; they are not run again: their store holds their items"
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

    def _spoiled(self, numbers: Sequence[int]) -> list[int]:
        """Those whose verdict the host decided."""
        from ingestexp.report.record import record_verdicts
        from ingestexp.report.verdict import INVALID

        judged = record_verdicts([self._order.folder / self._row(number)["folder"] for number in numbers])
        found = zip(numbers, judged, strict=True)
        return [number for number, one in found if one.verdict.result == INVALID and not one.verdict.broken]

    def _is_disturbed_for_once(self, number: int) -> bool:
        return self._row(number)["disturbed"] and self._current[number].again != "disturbed"

    def _dispatch(self, jobs: Sequence[CellJob]) -> None:
        for kind in Kind:  # simulated ones first: nothing else runs beside a live one that goes alone
            self._dispatcher.run([job for job in jobs if self._kinds[job.number] is kind], kind)

    def _freeze(self, name: str, cells: list[Cell]) -> bool:
        """Set what earlier stages decide about this one; False (and said so) where they have nothing to decide from."""
        rows, decision = list(self._record.rows.values()), cells[0].decided_by
        try:
            decided = self._decisions.take(decision, rows, self._fresh) if decision else None
            frozen = freeze(cells, self._known(name, cells), rows, self._order.folder, decided)
        except NothingToGoBy as error:
            self._line.say(f"stage {name} is left out: it {error}")
            for cell in cells:
                job = self._current[cell.number]
                self._record.put(job, "failed", Outcome(job.number, job.folder, "failed", f"not run: it {error}"))
            return False
        if decided is not None:
            self._repeat_what_was_decided_otherwise(name, cells, decided["values"])
        for cell in cells:
            self._current[cell.number] = with_frozen(self._current[cell.number], frozen)
        self._record.set_stage(frozen.facts)
        self._record.save(now=True)
        return True

    def _known(self, name: str, cells: list[Cell]) -> dict[str, Any]:
        """What an earlier execution froze, unless that was measured anew and no finished cell rests on the old."""
        source, rows = cells[0].rate_from, self._record.rows
        anew = source is not None and any(rows[number]["stage"] == source.stage for number in self._fresh)
        if self._earlier is None or (anew and not any(is_finished(rows[cell.number]) for cell in cells)):
            return {}
        return self._earlier.stage(name)

    def _repeat_what_was_decided_otherwise(self, name: str, cells: list[Cell], values: dict[str, Any]) -> None:
        """Finished cells of an earlier execution must not stand beside others that a new decision holds for."""
        attempts = {} if self._earlier is None else self._earlier.attempts
        found = [(cell.number, attempts.get(cell.cell_hash)) for cell in cells]
        other = [number for number, attempt in found if attempt is not None and attempt.ran_otherwise(values)]
        if not other:
            return
        self._line.say(f"stage {name}: {len(other)} finished before under another decision, to run again")
        self._line.rerun(len(other))
        for number in other:
            self._older[number] = (self._row(number)["folder"], None)
            self._current[number] = self._next_attempt(self._current[number], "decided otherwise")
            self._record.put(self._current[number], "pending")

    # -- attempts ----------------------------------------------------------------------------------------

    def _enter(self, cell: Cell) -> None:
        """The cell's row: as an earlier sweep left it, or pending."""
        job = CellJob.of(cell)
        found = None if self._earlier is None else self._earlier.attempts.get(cell.cell_hash)
        if found is not None and found.usable:
            job = keep(self._record, job, found)
        else:
            if found is not None:
                self._older[cell.number] = (found.folder, None)
                job = self._next_attempt(dataclasses.replace(job, attempt=found.attempt), "failed")
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
            if row["status"] in ("pending", "running") or self._older.get(number, ("", None))[1] is not None
        )
        return self._pace.eta_s(rest)


def _writes_to_a_store_that_stays(job: CellJob) -> bool:
    """Then another attempt would not find what this one found."""
    return bool(getattr(job.config.sink, "path", None) or job.config.redrive.folder)
