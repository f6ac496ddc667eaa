"""Jobs that another sweeper of Hydra's makes up (`hydra/sweeper=basic`, an optimizer), as cells of a sweep of ours.

Must live here: from lists of overrides to a plan. Must not: running it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.experiment.cells import PLAIN_LABEL, is_sweep
from ingestexp.experiment.compose import Plan, plan
from ingestexp.experiment.mistake import Mistake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.experiment.command_line import CommandLine


def plan_of(jobs: Sequence[Sequence[str]], first_number: int, folder: str, line: CommandLine) -> Plan:
    """One cell a job, labelled by the overrides that not all jobs share."""
    whole = Plan(folder=folder, multirun=True, typed_keys=frozenset(["hydra.sweep.dir"]))
    shared = set.intersection(*(set(job) for job in jobs)) if len(jobs) > 1 else set()
    for number, job in enumerate(jobs, start=first_number):
        one = plan(list(job), False, line.foreign, line.config_name)
        whole.mistakes += one.mistakes
        if not one.mistakes and is_sweep(one.sweep):
            why = "variants, grid, stages and repeats are for our own sweeper: leave hydra/sweeper out"
            whole.mistakes.append(Mistake("sweep", "", why))
        for cell in one.cells[:1]:
            cell.number = number
            cell.variant = " ".join(token for token in job if token not in shared) or PLAIN_LABEL
            whole.cells.append(cell)
    return whole
