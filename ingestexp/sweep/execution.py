"""One execution of a sweep in its folder: what is kept, Ray if anything is to run, the cells, the tables.

Must live here: the order of these steps, the head of `sweep.yaml`. Must not: which folder that is (`entry`), cells
(`stages`), Ray (`cluster`), tables (`report`).
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.latest import point_latest
from ingestexp.experiment.launch import EXIT_FAILED, EXIT_INTERRUPTED, near
from ingestexp.experiment.manifest import FILE_NAME as MANIFEST
from ingestexp.experiment.manifest import host_facts, utc_now
from ingestexp.experiment.progress import Interrupts
from ingestexp.experiment.schema.run import ClockKind, Progress
from ingestexp.experiment.sweep_folder import is_finished, plan_hash
from ingestexp.sweep import series
from ingestexp.sweep.cluster import Cluster
from ingestexp.sweep.job import VERDICT, CellJob, SweepOrder
from ingestexp.sweep.progress import SweepLine
from ingestexp.sweep.record import SweepRecord
from ingestexp.sweep.resume import keep, leaves_nothing_to_do, take_stock
from ingestexp.sweep.stages import Conductor

if TYPE_CHECKING:
    from ingestexp.experiment.compose import Plan
    from ingestexp.sweep.resume import Earlier

_SHOWN = {Progress.auto: None, Progress.on: True, Progress.off: False}


class Execution:
    """With the folder's lock held. `earlier`: what is gone on with; `notes`: what the user is told of other sweeps."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        command: list[str],
        hydra_node: dict[str, Any],
        earlier: Earlier | None,
        notes: list[str],
    ) -> None:
        self.plan = plan
        self.folder = folder
        self.earlier = earlier
        self.notes = notes
        self.sweep_id = folder.name if earlier is None else str(earlier.sweep.get("sweep_id", folder.name))
        self.order = SweepOrder(
            folder,
            self.sweep_id,
            plan.experiment.name or None,
            command,
            hydra_node,
            str(Path.cwd()),
            tuple(plan.experiment.may_be_oom_killed),
        )
        self.line = SweepLine(len(plan.cells), _SHOWN[plan.configs[0].progress])

    def run(self, code: str, host: dict[str, Any]) -> int:
        """The exit code. Raises ClusterError before anything has begun; an earlier `sweep.yaml` is as it was then."""
        self.order.stop_file.unlink(missing_ok=True)
        record = self._record(code, host)
        if self.earlier is None:
            for cell in self.plan.cells:
                record.put(CellJob.of(cell), "pending")
            record.save(now=True)
        for note in self.notes:
            self.line.say(note)
        cluster = Cluster(self.plan.sweep.address)
        if self.earlier is not None and cluster.is_local:
            self._take_stock(self.earlier, code, [host_facts(self.folder)])
            if leaves_nothing_to_do(self.earlier, self.plan):
                self.line.say("nothing is to be run")
                return self._end_at_once(record, self.earlier)
        starting, interrupts = Interrupts(raises=True), Interrupts()
        began = False
        try:
            where = "starting Ray" if cluster.is_local else f"joining Ray at {self.plan.sweep.address}"
            with starting:
                if not cluster.is_running:
                    self.line.step(f"{where} …")
                with cluster, interrupts:
                    interrupts.count += starting.count  # one that Ray swallowed while it started
                    for note in cluster.look_around(self.order):
                        self.line.say(note)
                    if self.earlier is not None and not cluster.is_local:
                        self._take_stock(self.earlier, code, [each.facts for each in cluster.hosts])
                    self._say_what_is_short(cluster)
                    began = True
                    Conductor(
                        self.plan, cluster, self.order, record, self.line, lambda: interrupts.count, self.earlier
                    ).run()
        except KeyboardInterrupt:  # while Ray starts
            if self.earlier is not None and not began:
                return EXIT_INTERRUPTED
            interrupts.count = interrupts.count or 1
        finally:
            self.line.clear()
        return self._end(record, interrupted=bool(interrupts.count))

    def _record(self, code: str, host: dict[str, Any]) -> SweepRecord:
        experiment = dataclasses.asdict(self.plan.experiment)
        for criterion in experiment["acceptance"]:
            criterion["judge"] = criterion["judge"].value
        before = {} if self.earlier is None else self.earlier.sweep
        head = {
            "sweep_id": self.sweep_id,
            "plan_hash": plan_hash(cell.cell_hash for cell in self.plan.cells),
            "experiment": experiment,
            "command": self.order.command,
            "code_version": code,
            "host": host,
            "pid": os.getpid(),
            "started_at": before.get("started_at") or utc_now(),
            "acceptance_declared": self._declared(before, experiment["acceptance"]),
        }
        return SweepRecord(self.folder, head, list(before.get("stages") or []))

    def _declared(self, before: dict[str, Any], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The criteria as they were when the first cell began: what is changed afterwards is reported as such."""
        if not any(self.folder.glob(f"*/{MANIFEST}")):
            return now
        then = before.get("acceptance_declared")
        return list((before.get("experiment") or {}).get("acceptance") or [] if then is None else then)

    def _take_stock(self, earlier: Earlier, code: str, hosts: list[dict[str, Any]]) -> None:
        take_stock(earlier, code, hosts)
        self.line.say(f"going on with {near(self.folder)}: {earlier.says}")
        for note in earlier.notes:
            self.line.say(note)
        self.line.keep(earlier.kept)

    def _say_what_is_short(self, cluster: Cluster) -> None:
        wanted = self.plan.sweep.cores_per_run
        fewest = min((len(seat.cores) for seat in cluster.seats(wanted)), default=wanted)
        if fewest < wanted and any(config.clock is ClockKind.live for config in self.plan.configs):
            has = f"only {fewest} core{'s' * (fewest > 1)}"
            self.line.say(f"sweep.cores_per_run={wanted}, but there are places with {has}: live cells get those there")

    def _end_at_once(self, record: SweepRecord, earlier: Earlier) -> int:
        for cell in self.plan.cells:
            keep(record, CellJob.of(cell), earlier.attempts[cell.cell_hash])
        record.status, record.ended_at = "completed", earlier.sweep.get("ended_at")
        record.save(now=True)
        self.line.clear()
        return print_tables(self.folder, record)

    def _end(self, record: SweepRecord, interrupted: bool) -> int:
        self.order.stop_file.unlink(missing_ok=True)
        whole = bool(record.rows) and all(is_finished(row) for row in record.rows.values())
        record.finish("completed" if whole else "interrupted" if interrupted else "failed")
        point_latest(self.folder)
        verdict = print_tables(self.folder, record)
        if interrupted and not whole:
            return EXIT_INTERRUPTED
        return verdict if whole else EXIT_FAILED


def print_tables(folder: Path, record: SweepRecord) -> int:
    """The tables of `report`; the code of all verdicts and criteria together.

    Runs that nobody has judged yet are judged first: beside live cells nothing else may run, so theirs are.
    """
    from ingestexp.report.record import record_verdicts
    from ingestexp.report.sweep_report import print_sweep

    finished = [folder / row["folder"] for row in record.rows.values() if is_finished(row)]
    record_verdicts([run_dir for run_dir in finished if not (run_dir / VERDICT).exists()])
    return print_sweep(folder, judged=series.judged)
