"""p99 over a grid of windows, a map for each stage: sizes down, waits across, the SLO's bound in colour and sign.

Must live here: the picture in the terminal. Must not: figures (`sweep_figures`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from ingestexp.report import wording as say
from ingestexp.report.verdict import FAIL, INCONCLUSIVE, INVALID, PASS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from ingestexp.report.sweep_figures import VariantFigures

Window = tuple[int, float | None]

_SIGNS = {PASS: ("", "black on green3"), FAIL: ("!", "black on indian_red"), INVALID: ("-", "dim")}
_UNDECIDED = ("?", "black on khaki3")


def window_of(figures: VariantFigures) -> Window:
    """(max_size, max_wait_ms; None without a timer)."""
    window: dict[str, Any] = (figures.cells[0].manifest.get("config") or {}).get("window") or {}
    wait = window.get("max_wait_ms")
    return int(window.get("max_size") or 0), None if wait is None else float(wait)


def grids(variants: Sequence[VariantFigures]) -> dict[str, dict[Window, VariantFigures]]:
    """The stages with at least two sizes and two waits, each window once."""
    found: dict[str, dict[Window, VariantFigures]] = {}
    for each in variants:
        if each.p99_ms is not None:
            found.setdefault(each.stage, {}).setdefault(window_of(each), each)
    return {
        stage: grid
        for stage, grid in found.items()
        if len({size for size, _ in grid}) > 1 and len({wait for _, wait in grid}) > 1
    }


def axes(grid: dict[Window, VariantFigures]) -> tuple[list[int], list[float | None]]:
    """Sizes and waits in order, no timer last."""
    waits = {wait for _, wait in grid}
    return sorted({size for size, _ in grid}), sorted(waits, key=lambda wait: float("inf") if wait is None else wait)


def print_heat_maps(out: Console, variants: Sequence[VariantFigures]) -> None:
    """Nothing where no stage has a grid."""
    maps = grids(variants)
    for stage, grid in maps.items():
        sizes, waits = axes(grid)
        percentile = next(iter(grid.values())).cells[0].manifest["slo"]["percentile"]
        out.print(Text(f"{stage}: p{percentile:g} ms over max_size and max_wait", style="bold"))
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("max_size", justify="right")
        for wait in waits:
            table.add_column("no timer" if wait is None else f"{wait:g} ms", justify="right")
        for size in sizes:
            table.add_row(f"{size:,}", *(_field(grid.get((size, wait))) for wait in waits))
        out.print(table)
    if maps:
        out.print(Text("! breaks the SLO   ? undecided   - invalid   ≥ grows while the load lasts", style="dim"))


def _field(figures: VariantFigures | None) -> Text:
    if figures is None or figures.p99_ms is None:
        return Text("")
    sign, style = _SIGNS.get(figures.result or INCONCLUSIVE, _UNDECIDED)
    least = "≥" if figures.growing_count else ""
    return Text(f" {least}{say.ms(figures.p99_ms * 1e6)}{sign} ", style=style)
