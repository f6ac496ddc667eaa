"""A sweep from the checked plan to the exit code.

Must live here: which folder, who may work in it, what Hydra's plugins call. Must not: the execution (`execution`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import OmegaConf

from ingestexp.experiment import launch
from ingestexp.experiment.launch import EXIT_FAILED, EXIT_OK, EXIT_USAGE, EXIT_VERDICT, near
from ingestexp.experiment.manifest import host_facts
from ingestexp.experiment.mistake import Mistake, screen
from ingestexp.experiment.source_code import code_version
from ingestexp.experiment.sweep_folder import FILE_NAME, LOCK_NAME, lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omegaconf import DictConfig

    from ingestexp.experiment.command_line import CommandLine
    from ingestexp.experiment.compose import Plan


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
    from ingestexp.sweep.cluster import LOCAL, ClusterError
    from ingestexp.sweep.execution import Execution

    code, host = code_version(), host_facts(Path(plan.folder).absolute())
    earlier, notes = resume.find(plan, code, host)
    folder = Path(plan.folder).absolute() if earlier is None else earlier.folder
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    held = lock(folder)
    if held is None:
        why = "a sweep is at work in this folder: wait for its end, or name another one"
        print(screen([Mistake("hydra.sweep.dir", str(near(folder)), why)]), file=sys.stderr)
        return EXIT_USAGE
    try:
        return Execution(plan, folder, command, hydra_node, earlier, notes).run(code, host)
    except ClusterError as error:
        if earlier is None:
            _undo(folder, made)
        if plan.sweep.address == LOCAL:
            print(f"ingestexp: {error}", file=sys.stderr)
            return EXIT_FAILED
        print(screen([Mistake("sweep.address", plan.sweep.address, str(error))]), file=sys.stderr)
        return EXIT_USAGE
    finally:
        os.close(held)


def _undo(folder: Path, made: Sequence[Path]) -> None:
    """Leave nothing of a sweep that could not begin: its two files, and what folders were made for them."""
    for name in (FILE_NAME, LOCK_NAME):
        (folder / name).unlink(missing_ok=True)
    for each in made:
        try:
            each.rmdir()
        except OSError:  # somebody else has put something there
            return


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
