"""Which cells may stand beside others, in which turn they go, and when it is no use to run them once more.

Must live here: these rules, known before anything runs. Must not: running (`stages`, `dispatch`).
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.build import make_sink
from ingestexp.experiment.schema.run import ClockKind
from ingestexp.sweep.dispatch import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ingestexp.experiment.cells import Cell
    from ingestexp.experiment.schema.run import RunConfig
    from ingestexp.experiment.schema.sweep import SweepSection


ALL_THE_TIME: Final = 4
"""So many disturbed cells, and more than half of a stage: running them again would meet the same host."""


def is_all_the_time(disturbed_count: int, cell_count: int) -> bool:
    return disturbed_count >= ALL_THE_TIME and 2 * disturbed_count > cell_count


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


def to_run_again(disturbed: Sequence[int], rows: Mapping[int, Mapping[str, Any]]) -> list[int]:
    """The disturbed of a stage's cells (`rows` by number, in turn) and those that the report compares them with.

    Those stand in the same repeat, at the same point of the grid, and are few. Cells that failed are left out: they
    have said so, and running their pair again must not make that unsaid.
    """
    from ingestexp.report.pairing import MOST_COMPARED, grid_point

    beside: dict[tuple[int, str], list[int]] = {}
    for number, row in rows.items():
        beside.setdefault((row["repeat"], grid_point(row["variant"])), []).append(number)
    again = set(disturbed)
    for group in beside.values():
        if len(group) <= MOST_COMPARED and again.intersection(group):
            again.update(group)
    return [number for number, row in rows.items() if number in again and row["status"] == "completed"]
