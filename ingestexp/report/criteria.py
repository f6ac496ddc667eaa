"""Acceptance criteria: a query's rows, a bound, and what follows.

Must live here: the three ways to judge rows. Must not: the queries (`analysis/acceptance/`), how a row is printed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ingestexp.report.evidence import Answers, EvidenceError
from ingestexp.report.intervals import Interval
from ingestexp.report.student import mean_interval, ratio_interval_of
from ingestexp.report.verdict import FAIL, INCONCLUSIVE, INVALID, PASS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

Row = dict[str, Any]

CONFIDENCE: Final = 0.95
MOST_REPEATS: Final = 1000


@dataclass(frozen=True, slots=True)
class Criterion:
    """As `experiment.schema.sweep.CriterionConfig`, read back from `sweep.yaml`. `post_hoc`: what it was before."""

    name: str
    says: str
    query: str
    judge: str
    at_least: float | None
    at_most: float | None
    post_hoc: str | None = None

    def holds(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    @property
    def bound(self) -> str:
        least = [] if self.at_least is None else [f"≥ {self.at_least:g}"]
        return " and ".join(least + ([] if self.at_most is None else [f"≤ {self.at_most:g}"]))


@dataclass(frozen=True, slots=True)
class Judgement:
    """`figure` with its interval (of the mean, or from the smallest to the largest row); None where there is no row."""

    criterion: Criterion
    result: str
    reason: str
    figure: float | None = None
    interval: Interval | None = None
    rows: list[Row] = field(default_factory=list)


def criterion_of(facts: Row) -> Criterion:
    return Criterion(
        str(facts.get("name", "")),
        str(facts.get("says", "")),
        str(facts.get("query", "")),
        str(facts.get("judge", "every")),
        facts.get("at_least"),
        facts.get("at_most"),
    )


def judge_criteria(
    answers: Answers, criteria: Sequence[Criterion], missing_cells: int, broken_runs: Collection[Path]
) -> list[Judgement]:
    """Every criterion over these runs. `missing_cells` have no result; `broken_runs` bear no conclusion of any kind.

    A run that a disturbed host made INVALID is not broken: it decides nothing where its verdict is asked for, but what
    it counted stands.
    """
    judgements = []
    for criterion in criteria:
        try:
            rows = answers.rows(f"acceptance/{criterion.query}.sql")
        except (EvidenceError, OSError) as error:
            judgements.append(Judgement(criterion, INVALID, f"the query failed: {error}"))
            continue
        broken = sorted(
            answers.folder_of(run).name
            for run in {row[column] for row in rows for column in ("run", "other_run") if row.get(column)}
            if answers.folder_of(run) in broken_runs
        ) or sorted(answers.folder_of(row["run"]).name for row in rows if _is_invalid(row))
        judgement = judge(criterion, rows)
        if broken and judgement.result != INVALID:
            judgement = _with(judgement, INVALID, f"rests on invalid runs: {', '.join(broken)}")
        elif missing_cells and judgement.result == PASS:
            judgement = _with(
                judgement, INCONCLUSIVE, f"holds for what is there, but {missing_cells} cells are missing"
            )
        judgements.append(judgement)
    return judgements


def judge(criterion: Criterion, rows: Sequence[Row]) -> Judgement:
    """The rows have a column `value`, and perhaps `low` and `high`; `why` says what a missing value means."""
    kept = list(rows)
    if not kept:
        return Judgement(criterion, INCONCLUSIVE, "no row: the cells it needs are not there")
    values = [row.get("value") for row in kept]
    if any(value is None or not math.isfinite(value) for value in values):
        known = [row for row, value in zip(kept, values, strict=True) if value is not None and math.isfinite(value)]
        if criterion.judge == "every" and known:
            settled = _every(criterion, known, [float(row["value"]) for row in known])
            if settled.result == FAIL:  # whatever the others would have said
                reason = f"{settled.reason}, {len(kept) - len(known)} undecided"
                return Judgement(criterion, FAIL, reason, settled.figure, settled.interval, kept)
        said = [str(row["why"]) for row in kept if row.get("why")]
        why = said[0] if said else "a row has no value: what it needs was not measured"
        return Judgement(criterion, INCONCLUSIVE, why, rows=kept)
    numbers = [float(value) for value in values if value is not None]
    if criterion.judge == "every":
        return _every(criterion, kept, numbers)
    if len(numbers) < 2:
        why = "one repeat has no interval: sweep.repeats=3 and more would settle it"
        return Judgement(criterion, INCONCLUSIVE, why, numbers[0], None, kept)
    if criterion.judge == "ratio" and min(numbers) <= 0:
        return Judgement(criterion, INCONCLUSIVE, "a ratio of 0 has no logarithm", min(numbers), None, kept)
    return _mean(criterion, kept, numbers)


def _is_invalid(row: Row) -> bool:
    """The row asks for a verdict, and the instrument was at fault."""
    return row.get("value") is None and row.get("result") == INVALID and bool(row.get("run"))


def _every(criterion: Criterion, rows: list[Row], numbers: list[float]) -> Judgement:
    interval = Interval(min(numbers), max(numbers))
    worst = min(numbers, key=lambda value: _margin(criterion, value))
    ends = [
        (float(row.get("low") or value), float(row.get("high") or value))
        for row, value in zip(rows, numbers, strict=True)
    ]
    inside = [criterion.holds(low) and criterion.holds(high) for low, high in ends]
    outside = [not criterion.holds(low) and not criterion.holds(high) for low, high in ends]
    if all(inside):
        return Judgement(criterion, PASS, f"all {len(rows)} hold" if len(rows) > 1 else "holds", worst, interval, rows)
    if any(outside):
        return Judgement(criterion, FAIL, f"{sum(outside)} of {len(rows)} do not hold", worst, interval, rows)
    return Judgement(criterion, INCONCLUSIVE, "an interval straddles the bound", worst, interval, rows)


def _mean(criterion: Criterion, rows: list[Row], numbers: list[float]) -> Judgement:
    if criterion.judge == "ratio":
        interval = ratio_interval_of(numbers, CONFIDENCE)
        figure = math.exp(math.fsum(map(math.log, numbers)) / len(numbers))
    else:
        interval = mean_interval(numbers, CONFIDENCE)
        figure = math.fsum(numbers) / len(numbers)
    low, high = criterion.holds(interval.low), criterion.holds(interval.high)
    if low and high:
        return Judgement(criterion, PASS, f"the interval of {len(rows)} lies within the bound", figure, interval, rows)
    if not low and not high and not criterion.holds(figure):
        return Judgement(criterion, FAIL, f"the interval of {len(rows)} lies outside the bound", figure, interval, rows)
    return Judgement(
        criterion, INCONCLUSIVE, _straddles(criterion, figure, interval, len(rows)), figure, interval, rows
    )


def _straddles(criterion: Criterion, figure: float, interval: Interval, count: int) -> str:
    """How many repeats would bring the interval to one side: its width shrinks with their root."""
    bounds = [bound for bound in (criterion.at_least, criterion.at_most) if bound is not None]
    gap = min(abs(figure - bound) for bound in bounds)
    half = max(figure - interval.low, interval.high - figure)
    needed = math.ceil(count * (half / gap) ** 2) if gap else MOST_REPEATS + 1
    more = (
        f"about {needed} repeats would settle it" if needed <= MOST_REPEATS else "no number of repeats will settle it"
    )
    return f"the interval straddles the bound: {more}"


def _margin(criterion: Criterion, value: float) -> float:
    """How far inside the bound: negative is outside."""
    margins = [] if criterion.at_least is None else [value - criterion.at_least]
    return min(margins + ([] if criterion.at_most is None else [criterion.at_most - value]))


def _with(judgement: Judgement, result: str, reason: str) -> Judgement:
    return Judgement(judgement.criterion, result, reason, judgement.figure, judgement.interval, judgement.rows)
