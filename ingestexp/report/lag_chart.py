"""How far behind the load each variant was over time: a line of blocks each, all on one scale.

Must live here: which repeat stands for a variant, the lines. Must not: the lag (`analysis/tables/lag_over_time.sql`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from ingestexp.report import wording as say
from ingestexp.report.depth_chart import block_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.report.sweep_figures import Cell

Row = dict[str, Any]

TABLE: Final = "lag_over_time"
"""It has a row for each instant: printed as a picture instead."""


def lag_lines(rows: Sequence[Row], cells: Sequence[Cell]) -> list[Text]:
    """A line a stage and variant. `rows`: of the table, asked over the folders of `cells` in their order.

    Of several repeats the one that ends furthest behind is drawn. A bin in which anything is behind is never blank.
    """
    by_cell: dict[int, list[int]] = {}
    for row in rows:
        by_cell.setdefault(int(str(row["run"]).rpartition("/")[2]), []).append(max(0, int(row["lag_items"])))
    worst: dict[tuple[str, str], list[int]] = {}
    for number in sorted(by_cell):
        label, lags = cells[number].label, by_cell[number]
        if label not in worst or lags[-1] > worst[label][-1]:
            worst[label] = lags
    if not worst:
        return []
    top = max(1, *(max(lags) for lags in worst.values()))
    widths = [max(len(label[part]) for label in worst) for part in (0, 1)]
    lines = [
        Text(f"lag over time   due - settled, from the run's start to the load's end; █ {say.number(top, 'item')}")
    ]
    for (stage, variant), lags in worst.items():
        names = f" {stage:<{widths[0]}} {variant:<{widths[1]}} " if widths[0] else f" {variant:<{widths[1]}} "
        line = Text(names).append("".join(block_of(lag, top) for lag in lags), style="cyan")
        lines.append(line.append(f" {say.number(lags[-1], 'item')} at the end"))
    return [*lines, Text("")]
