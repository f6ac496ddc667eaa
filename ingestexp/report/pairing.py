"""Two variants of a stage over the same arrivals: what the second changes, with intervals over their pairs.

Must live here: which runs make a pair, the differences and their intervals. Must not: words (`change_lines`), two runs
chosen by hand (`comparing`).

A pair is one repeat of both: the same seed, item i of the one is item i of the other. Differences of percentiles: time
blocks that both share, of all pairs, are drawn with replacement, and both percentiles taken anew (ALGORITHMS B).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from ingestexp.report.evidence import Answers
from ingestexp.report.figures import slo_of
from ingestexp.report.paired_percentiles import PercentileChange, percentile_changes
from ingestexp.report.student import mean_interval, ratio_interval_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ingestexp.report.intervals import Interval
    from ingestexp.report.sweep_figures import Cell, VariantFigures

Row = dict[str, Any]

MOST_COMPARED: Final = 4
"""Variants of one stage and grid point; of more a sheet says more than sentences."""
MOST_LOOKED_INTO: Final = 8
MOST_ITEMS: Final = 5_000_000
CONFIDENCE: Final = 0.95
_POINT: Final = re.compile(r"(?: \S+=\S+)*$")


@dataclass(slots=True)
class Slope:
    """Of the backlog, items/s: the mean over the runs, its interval where there are two, how many of them grow."""

    mean: float
    interval: Interval | None
    growing_count: int
    run_count: int


@dataclass(slots=True)
class Change:
    """`first` → `second`. Ratios are second ÷ first; None, empty: not known, or not to be had of such a stage.

    `predicted_ratio`: of committed items/s at saturation, by the cost model. `note`: why pairs were not looked into.
    """

    stage: str
    first: VariantFigures
    second: VariantFigures
    pairs: list[tuple[Cell, Cell]]
    rate_ratio: float | None = None
    rate_interval: Interval | None = None
    predicted_ratio: float | None = None
    percentiles: list[PercentileChange] = field(default_factory=list)
    slopes: tuple[Slope, Slope] | None = None
    note: str = ""

    @property
    def point(self) -> str:
        """Of the grid: the same for both."""
        return grid_point(self.first.variant)

    def name(self, variant: VariantFigures) -> str:
        """Without the grid's part of it."""
        return variant.variant.removesuffix(self.point).rstrip()


def grid_point(label: str) -> str:
    """What the grid added to a cell's label (`name key=value …`); of a label without a name all but its first word."""
    found = _POINT.search(label)
    return found.group().strip() if found else ""


def changes_of(answers: Answers, variants: Sequence[VariantFigures]) -> list[Change]:
    """What each variant does to the first of its stage and grid point. `answers` holds the folders of all cells."""
    groups: dict[tuple[str, str], list[VariantFigures]] = {}
    for each in variants:
        groups.setdefault((each.stage, grid_point(each.variant)), []).append(each)
    changes = [
        Change(stage, group[0], other, _pairs(group[0], other))
        for (stage, _), group in groups.items()
        if len(group) <= MOST_COMPARED
        for other in group[1:]
    ]
    paired = [change for change in changes if change.pairs][:MOST_LOOKED_INTO]
    if paired:
        _look_into(answers, paired)
    for change in changes:
        if change.rate_ratio is None and change.first.committed_per_s and change.second.committed_per_s:
            change.rate_ratio = change.second.committed_per_s / change.first.committed_per_s
    return changes


def _pairs(first: VariantFigures, second: VariantFigures) -> list[tuple[Cell, Cell]]:
    by_repeat = {_arrivals(cell): cell for cell in first.cells}
    return [(by_repeat[_arrivals(cell)], cell) for cell in second.cells if _arrivals(cell) in by_repeat]


def _arrivals(cell: Cell) -> tuple[Any, Any]:
    return cell.facts.get("repeat"), cell.manifest.get("seed")


def _look_into(answers: Answers, changes: list[Change]) -> None:
    rates = _by_folder(answers, "committed_rate")
    for change in changes:
        _compare_rates(change, rates)
    if any(_is_saturate(change) for change in changes):
        _predict(answers, changes)
    timed = [change for change in changes if not _is_saturate(change) and _is_small(change)]
    if not timed:
        return
    folders = list(dict.fromkeys(cell.folder for change in timed for pair in change.pairs for cell in pair))
    with Answers(folders) as few:  # without the runs at saturation, which have the most items
        names = {few.folder_of(row["run"]): str(row["run"]) for row in few.answer("FROM runs", "runs").rows}
        slopes = _by_folder(few, "backlog_slope")
        for change in timed:
            _compare_backlogs(change, slopes)
            if not _is_one_load(change):
                change.note = "not the same load: nothing to pair"
                continue
            runs = [(names[a.folder], names[b.folder]) for a, b in change.pairs if {a.folder, b.folder} <= names.keys()]
            growing = (change.first.growing_count > 0, change.second.growing_count > 0)
            percentile = slo_of(change.pairs[0][0].manifest).percentile
            change.percentiles, change.note = percentile_changes(few, runs, (50.0, percentile), growing)


def _by_folder(answers: Answers, table: str) -> dict[Path, Row]:
    return {answers.folder_of(row["run"]): row for row in answers.rows(f"tables/{table}.sql")}


def _is_saturate(change: Change) -> bool:
    return all((cell.manifest.get("load") or {}).get("saturate") for pair in change.pairs for cell in pair)


def _is_one_load(change: Change) -> bool:
    """The same arrivals, pair by pair: else a difference of percentiles says nothing about the variants."""
    loads = [[(cell.manifest.get("config") or {}).get("load") for cell in pair] for pair in change.pairs]
    return all(first == second for first, second in loads)


def _is_small(change: Change) -> bool:
    count = sum(
        int((cell.manifest.get("counters") or {}).get("offered") or 0) for pair in change.pairs for cell in pair
    )
    if count > MOST_ITEMS:
        a, b = change.pairs[0]
        change.note = f"{count:,} items are too many to pair here: report compare {a.folder} {b.folder}"
    return count <= MOST_ITEMS


def _compare_rates(change: Change, rates: dict[Path, Row]) -> None:
    """By pair, as the criterion does: a host's slow minute hits both of a pair."""
    sides = [(rates.get(a.folder), rates.get(b.folder)) for a, b in change.pairs]
    known = [(a["committed_per_s"], b["committed_per_s"]) for a, b in sides if a and b]
    ratios = [after / before for before, after in known if before and after]
    if not ratios or len(ratios) < len(change.pairs):
        return
    change.rate_ratio = math.exp(fmean(map(math.log, ratios)))
    if len(ratios) > 1:
        change.rate_interval = ratio_interval_of(ratios, CONFIDENCE)


def _compare_backlogs(change: Change, slopes: dict[Path, Row]) -> None:
    sides = []
    for cells in zip(*change.pairs, strict=True):
        rows = [slopes[cell.folder] for cell in cells if cell.folder in slopes]
        values = [float(row["slope_items_per_s"]) for row in rows if row["slope_items_per_s"] is not None]
        if not values:
            return
        interval = mean_interval(values, CONFIDENCE) if len(values) > 1 else None
        sides.append(Slope(fmean(values), interval, sum(bool(row["grows"]) for row in rows), len(rows)))
    change.slopes = (sides[0], sides[1])


def _predict(answers: Answers, changes: list[Change]) -> None:
    """The model speaks of the smallest and the largest window of all runs at saturation."""
    rows = answers.rows("tables/cost_model.sql")
    if len(rows) != 1 or rows[0]["predicted_speedup"] is None:
        return
    sizes = {size for change in changes if _is_saturate(change) for size in _sizes(change)}
    for change in changes:
        if _is_saturate(change) and len(change.pairs) > 1 and _sizes(change) == (min(sizes), max(sizes)):
            change.predicted_ratio = float(rows[0]["predicted_speedup"])


def _sizes(change: Change) -> tuple[int, int]:
    sizes = [
        int(((each.manifest.get("config") or {}).get("window") or {}).get("max_size") or 0) for each in change.pairs[0]
    ]
    return sizes[0], sizes[1]
