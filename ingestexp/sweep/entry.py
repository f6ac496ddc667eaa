"""A sweep from the checked plan to the exit code.

Must live here: the order of these steps, the sweep's folder, what Hydra's plugins call. Must not: cells (`stages`),
Ray (`cluster`), tables (`report`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import OmegaConf

from ingestexp.experiment import launch
from ingestexp.experiment.launch import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, EXIT_VERDICT, near
from ingestexp.experiment.manifest import host_facts, utc_now
from ingestexp.experiment.mistake import Mistake, screen
from ingestexp.experiment.source_code import code_version
from ingestexp.experiment.sweep_folder import lock, plan_hash
from ingestexp.sweep.job import VERDICT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omegaconf import DictConfig

    from ingestexp.experiment.command_line import CommandLine
    from ingestexp.experiment.compose import Plan
    from ingestexp.sweep.record import SweepRecord
    from ingestexp.sweep.resume import Earlier


def sweep_from_hydra(composed: DictConfig) -> None:
    """What our sweeper does. Never raises for what happens to a run; the exit code goes back past Hydra."""
    handover = launch.handed_over[-1]
    try:
        code = run_sweep(handover.plan, handover.line, handover.command, _plain(composed))
    except Exception as error:
        code = launch.unforeseen(error)
    handover.codes.append(code)


def run_sweep(plan: Plan, line: CommandLine, command: list[str], hydra_node: dict[str, Any]) -> int:
    """Run the cells that are not finished yet, print the tables. The exit code of all together."""
    if plan.sweep.dry_run:
        from ingestexp.sweep.dry_run import print_dry_run

        print_dry_run(plan)
        return EXIT_OK
    from ingestexp.sweep import resume

    code, host = code_version(), host_facts(Path(plan.folder).absolute())
    earlier, notes = resume.find(plan, code, host)
    folder = Path(plan.folder).absolute() if earlier is None else earlier.folder
    folder.mkdir(parents=True, exist_ok=True)
    held = lock(folder)
    if held is None:
        why = "a sweep is at work in this folder: wait for its end, or name another one"
        print(screen([Mistake("hydra.sweep.dir", str(near(folder)), why)]), file=sys.stderr)
        return EXIT_USAGE
    try:
        return _Sweep(plan, folder, command, hydra_node, earlier, notes).run(code, host)
    finally:
        os.close(held)


class _Sweep:
    """One execution of `run_sweep`, with the folder's lock held."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        command: list[str],
        hydra_node: dict[str, Any],
        earlier: Earlier | None,
        notes: list[str],
    ) -> None:
        from ingestexp.sweep.job import SweepOrder

        self.plan = plan
        self.folder = folder
        self.earlier = earlier
        self.notes = notes
        self.sweep_id = folder.name if earlier is None else str(earlier.sweep.get("sweep_id", folder.name))
        self.order = SweepOrder(
            folder, self.sweep_id, plan.experiment.name or None, command, hydra_node, str(Path.cwd())
        )
        self.order.stop_file.unlink(missing_ok=True)

    def run(self, code: str, host: dict[str, Any]) -> int:
        from ingestexp.experiment.progress import Interrupts
        from ingestexp.experiment.schema.run import Progress
        from ingestexp.sweep.cluster import Cluster, ClusterError
        from ingestexp.sweep.job import CellJob
        from ingestexp.sweep.progress import SweepLine
        from ingestexp.sweep.resume import take_stock
        from ingestexp.sweep.stages import Conductor

        record = self._record(code, host)
        if self.earlier is None:
            for cell in self.plan.cells:
                record.put(CellJob.of(cell), "pending")
            record.save(now=True)
        wish = self.plan.configs[0].progress
        line = SweepLine(len(self.plan.cells), {Progress.auto: None, Progress.on: True, Progress.off: False}[wish])
        for note in self.notes:
            line.say(note)
        interrupts = Interrupts()
        try:
            where = "" if self.plan.sweep.address == "local" else f" at {self.plan.sweep.address}"
            line.step(f"{'starting' if not where else 'joining'} Ray{where} …")
            with Cluster(self.plan.sweep.address) as cluster, interrupts:
                for note in cluster.look_around(self.order):
                    line.say(note)
                if self.earlier is not None:
                    take_stock(self.earlier, code, [each.facts for each in cluster.hosts])
                    self._say_what_is_kept(line)
                conductor = Conductor(
                    self.plan, cluster, self.order, record, line, lambda: interrupts.count, self.earlier
                )
                conductor.run()
        except ClusterError as error:
            record.finish("failed")
            line.say(f"ingestexp: {error}")
            return EXIT_FAILED
        except KeyboardInterrupt:  # while Ray starts
            interrupts.count = interrupts.count or 1
        finally:
            line.clear()
        return self._end(record, interrupted=bool(interrupts.count))

    def _record(self, code: str, host: dict[str, Any]) -> SweepRecord:
        import dataclasses

        from ingestexp.sweep.record import SweepRecord

        experiment = dataclasses.asdict(self.plan.experiment)
        for criterion in experiment["acceptance"]:
            criterion["judge"] = criterion["judge"].value
        head = {
            "sweep_id": self.sweep_id,
            "plan_hash": plan_hash(cell.cell_hash for cell in self.plan.cells),
            "experiment": experiment,
            "command": self.order.command,
            "code_version": code,
            "host": host,
            "pid": os.getpid(),
            "started_at": utc_now() if self.earlier is None else self.earlier.sweep.get("started_at"),
        }
        return SweepRecord(
            self.folder, head, [] if self.earlier is None else list(self.earlier.sweep.get("stages") or [])
        )

    def _say_what_is_kept(self, line: Any) -> None:
        assert self.earlier is not None
        line.say(f"going on with {near(self.folder)}: {self.earlier.says}")
        for note in self.earlier.notes:
            line.say(note)
        line.keep(self.earlier.kept)

    def _end(self, record: SweepRecord, interrupted: bool) -> int:
        from ingestexp.experiment.run import point_latest

        self.order.stop_file.unlink(missing_ok=True)
        statuses = {row["status"] for row in record.rows.values()}
        whole = bool(statuses) and statuses <= {"completed"}
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

    finished = [folder / row["folder"] for row in record.rows.values() if row["status"] == "completed"]
    record_verdicts([run_dir for run_dir in finished if not (run_dir / VERDICT).exists()])
    return print_sweep(folder)


def launch_from_hydra(composed: DictConfig, jobs: Sequence[Sequence[str]], first_number: int) -> list[JobReturn]:
    """What our launcher does with another sweeper's jobs: a sweep of their own, numbered on from `first_number`."""
    from ingestexp.sweep.other_sweepers import plan_of

    handover = launch.handed_over[-1]
    plan = plan_of(jobs, first_number, str(composed.hydra.sweep.dir), handover.line)
    if plan.mistakes:
        print(screen(plan.mistakes), file=sys.stderr)
        code = EXIT_USAGE
    else:
        code = run_sweep(plan, handover.line, handover.command, _plain(composed))
    handover.codes.append(code)
    status = JobStatus.COMPLETED if code in (EXIT_OK, EXIT_VERDICT) else JobStatus.FAILED
    return [JobReturn(overrides=list(each), status=status, _return_value=code) for each in jobs]


def _plain(composed: DictConfig) -> dict[str, Any]:
    node = OmegaConf.to_container(composed.hydra, resolve=False, enum_to_str=True)
    assert isinstance(node, dict)
    return {str(key): value for key, value in node.items()}
