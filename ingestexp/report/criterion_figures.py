"""What a criterion's answer reads like: a figure with its unit, interval and bound.

Must live here: which figure stands for a query that answers 1 or 0, and the units. Must not: judging (`criteria`).

A criterion that asks "does it?" is judged by 1 and 0. What was measured is shown instead, where there is such a figure:
the worst latency against the SLO's bound, the backlog's slope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ingestexp.report.verdict import FAIL, PASS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ingestexp.report.criteria import Judgement
    from ingestexp.report.evidence import Answers
    from ingestexp.report.sweep_figures import Cell

Row = dict[str, Any]

_UNITS: Final = {
    "alerting_false_alarms": "a minute",
    "alerting_lead": "ms",
    "alerting_live_lead": "ms",
    "capacity_ratio": "×",
    "commits_per_item_ratio": "×",
    "fixed_cost_dominates": "items",
    "poison_misplaced_items": "items",
    "poison_report_writes_ratio": "×",
    "poison_skip_good_items_lost": "items",
    "poison_split_innocent_latency": "of what is allowed",
    "poison_split_lag_slope": "of the rate",
    "poison_split_writes": "writes",
    "window_bounded_at_low": "ms",
    "window_fills_at_peak": "of max_size",
    "window_timer_at_low": "of batches",
    "window_time_only_overgrows": "×",
}
_BACKLOG: Final = "backlog_grows"
_BITES: Final = "window_slo_bites"


@dataclass(frozen=True, slots=True)
class Shown:
    """`least`: the figure is only known to be at least that. `bound`: in words, also where the two numbers are None."""

    figure: float | None
    unit: str
    low: float | None
    high: float | None
    at_least: float | None
    at_most: float | None
    bound: str
    least: bool = False


def shown_figures(answers: Answers, judgements: Sequence[Judgement], cells: Sequence[Cell]) -> list[Shown]:
    """One a judgement. `answers` holds the folders of `cells`."""
    by_folder = {cell.folder: cell for cell in cells}
    slopes: dict[Path, float] = {}
    if any(judgement.criterion.query.endswith(_BACKLOG) for judgement in judgements):
        rows = answers.rows("tables/backlog_slope.sql")
        known = [row for row in rows if row["slope_items_per_s"] is not None]
        slopes = {answers.folder_of(row["run"]): float(row["slope_items_per_s"]) for row in known}
    found = []
    for judgement in judgements:
        runs = [answers.folder_of(row["run"]) for row in judgement.rows if row.get("run")]
        mine = [by_folder[folder] for folder in runs if folder in by_folder]
        shown = None
        if judgement.criterion.query.endswith(_BACKLOG):
            shown = _slope(judgement, [slopes[folder] for folder in runs if folder in slopes])
        elif judgement.criterion.query == _BITES:
            shown = _bites(judgement)
        elif judgement.rows and "result" in judgement.rows[0]:
            shown = _latency(judgement, mine)
        found.append(shown or _as_judged(judgement))
    return found


def _as_judged(judgement: Judgement) -> Shown:
    criterion, interval = judgement.criterion, judgement.interval
    if interval is not None and interval.low == interval.high and len(judgement.rows) < 2:
        interval = None  # of a single row: it is no interval
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    unit = _UNITS.get(criterion.query, "")
    return Shown(judgement.figure, unit, low, high, criterion.at_least, criterion.at_most, criterion.bound)


def _slope(judgement: Judgement, slopes: list[float]) -> Shown | None:
    """Items/s, from the smallest to the largest of the runs; the figure is the one nearest to not holding."""
    if not slopes:
        return None
    must_grow = judgement.criterion.at_least is not None
    bound = "grows" if must_grow else "does not grow"
    figure = min(slopes) if must_grow else max(slopes)
    low, high = (min(slopes), max(slopes)) if len(slopes) > 1 else (None, None)
    return Shown(figure, "items/s", low, high, None, None, bound)


def _bites(judgement: Judgement) -> Shown | None:
    """Runs that break the SLO: of one item a batch, or of the other windows, whichever are fewer."""
    counts = [judgement.rows[0].get(name) for name in ("per_item_broken_count", "other_broken_count")] * bool(
        judgement.rows
    )
    if not counts or None in counts:
        return None
    return Shown(float(min(count for count in counts if count is not None)), "runs", None, None, 1, None, "≥ 1")


def _latency(judgement: Judgement, cells: Sequence[Cell]) -> Shown | None:
    """The SLO's percentile of the run that is nearest to not holding, its own interval, the SLO's bound."""
    timed = [cell for cell in cells if cell.verdict.get("value_ms") is not None]
    if not timed:
        return None
    # Where a FAIL counts as 1 the criterion wants it over the bound.
    breaks = any((row.get("result"), row.get("value")) in ((FAIL, 1), (PASS, 0)) for row in judgement.rows)
    worst = (min if breaks else max)(timed, key=lambda cell: float(cell.verdict["value_ms"]))
    verdict, bound = worst.verdict, (worst.manifest.get("slo") or {}).get("bound_ms")
    growing = bool(verdict.get("growing"))
    least = growing or bool(verdict.get("is_lower_bound"))
    low, high = None if growing else verdict.get("low_ms"), None if least else verdict.get("high_ms")
    words = "" if bound is None else f"{'>' if breaks else '≤'} {bound:g} ms"
    at_least, at_most = (bound, None) if breaks else (None, bound)
    return Shown(float(verdict["value_ms"]), "ms", low, high, at_least, at_most, words, least)
