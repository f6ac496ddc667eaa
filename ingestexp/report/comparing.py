"""`report compare A B`: two runs of the same arrivals, paired item by item.

Must live here: whether they may be paired, the differences and their intervals. Must not: words and layout
(`comparison_sheet`).

The difference of two percentiles is not the percentile of the differences: time blocks common to both runs are drawn
with replacement, both percentiles are taken anew, and their difference is noted (ALGORITHMS B).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.report.evidence import Answers, EvidenceError
from ingestexp.report.intervals import Interval
from ingestexp.report.paired_parts import PARTS, parts_of

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.report.intervals import Floats

BLOCKS: Final = 50
RESAMPLES: Final = 500
CONFIDENCE: Final = 0.95
QUANTILES: Final = (0.5, 0.99)
_MOST_ITEMS: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class End:
    """A percentile of one run's paired items, ms. `is_least`: unsettled items stand below it, or its backlog grows."""

    value_ms: float
    is_least: bool
    growing: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """B - A, ms, of a `quantile` of the response; by common time blocks. No interval where an end is no number."""

    quantile: float
    a: End
    b: End
    interval_ms: Interval | None


@dataclass(frozen=True, slots=True)
class Blame:
    """Mean ms in A and in B over `a_count` and `b_count` items; the parts (name, A, B) sum to the response."""

    a_count: int
    b_count: int
    response_ms: tuple[float, float]
    parts_ms: list[tuple[str, float, float]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of the items that both kept. `blame`: of all of them; `tail_blame`: of each run's own from its p99 on."""

    item_count: int
    slower_ratio: float
    faster_ratio: float
    mean_ms: float
    differences: list[Difference]
    blame: Blame
    tail_blame: Blame
    hosts: tuple[dict[str, Any], dict[str, Any]]
    is_simulated: bool


def compare_runs(a: Path, b: Path) -> Comparison:
    """Raises EvidenceError where the runs did not see the same arrivals, or have no response times."""
    with Answers([a, b], with_superseded=True) as answers:
        facts = answers.answer(
            "SELECT run, is_saturate, is_simulated, manifest ->> '$.host' AS host FROM runs ORDER BY run", "the runs"
        ).rows
        if len(facts) != 2:
            raise EvidenceError(f"{a} and {b}: two run folders are needed")
        capacity = [str(folder) for folder, row in zip((a, b), facts, strict=True) if row["is_saturate"]]
        if capacity:
            what = "is a capacity run, which has" if len(capacity) == 1 else "are capacity runs, which have"
            raise EvidenceError(
                f"{' and '.join(capacity)} {what} no intended arrivals: there is no response to compare"
                " (report show has the rates)"
            )
        names = [str(row["run"]) for row in facts]
        pairs = _pairs(answers, a, b, names)
        before, after = pairs["a_response_ns"].astype(np.float64), pairs["b_response_ns"].astype(np.float64)
        growing = {row["run"]: bool(row["grows"]) for row in answers.rows("tables/backlog_slope.sql")}
        sides = []
        for run, other, values in ((names[0], names[1], before), (names[1], names[0], after)):
            marks = [int(_at(values, quantile)) for quantile in QUANTILES]
            sides.append(_Side(parts_of(answers, run, other, *marks), marks, growing.get(run, False)))
    delta = after - before
    return Comparison(
        len(delta),
        float((delta > 0).mean()),
        float((delta < 0).mean()),
        float(delta.mean()) / 1e6,
        _differences(pairs["intended_at_ns"], before, after, sides),
        _blame(sides, ""),
        _blame(sides, "tail_"),
        (_host(facts[0]), _host(facts[1])),
        all(row["is_simulated"] for row in facts),
    )


def _pairs(answers: Answers, a: Path, b: Path, names: list[str]) -> dict[str, Any]:
    for variable, name in zip(("run_a", "run_b"), names, strict=True):
        answers.set(variable, f"'{name}'")
    found = answers.rows("tables/paired_arrivals.sql")
    if not found:
        raise EvidenceError(f"neither {a} nor {b} has an item: there is nothing to pair")
    same = found[0]
    if same["same_count"] != same["item_count"]:
        differ = same["item_count"] - same["same_count"]
        raise EvidenceError(
            f"{a} and {b} did not see the same arrivals ({differ:,} of {same['item_count']:,} items differ): "
            "items can be paired only with the same seed and load"
        )
    if same["item_count"] > _MOST_ITEMS:
        raise EvidenceError(f"{same['item_count']:,} items: at most {_MOST_ITEMS:,} are paired in memory")
    pairs = answers.columns("tables/paired_responses.sql")
    if not len(pairs["a_response_ns"]):
        raise EvidenceError(f"{a} and {b} kept no item in common that is due after the warm-up")
    return pairs


@dataclass(frozen=True, slots=True)
class _Side:
    parts: dict[str, Any]
    marks_ns: list[int]
    growing: bool

    def end(self, number: int) -> End:
        censored = self.parts["censored_to_median" if number == 0 else "censored_to_tail"]
        return End(self.marks_ns[number] / 1e6, self.growing or censored > 0, self.growing)


def _blame(sides: list[_Side], prefix: str) -> Blame:
    a, b = (side.parts for side in sides)

    def ms(parts: dict[str, Any], name: str) -> float:
        return float(parts[f"{prefix}{name}_ns"] or 0) / 1e6

    counts = [int(side.parts["tail_count"]) for side in sides] if prefix else [0, 0]
    parts = [(part, ms(a, part), ms(b, part)) for part in PARTS]
    return Blame(counts[0], counts[1], (ms(a, "response"), ms(b, "response")), parts)


def _host(row: dict[str, Any]) -> dict[str, Any]:
    host = json.loads(row["host"] or "{}")
    return host if isinstance(host, dict) else {}


def _differences(due_ns: Any, before: Floats, after: Floats, sides: list[_Side]) -> list[Difference]:
    """p50 and p99; blocks of equal time over the arrivals both runs share."""
    start, end = int(due_ns.min()), int(due_ns.max()) + 1
    block = ((due_ns - start) * BLOCKS // (end - start)).astype(np.int64)
    blocks = [np.flatnonzero(block == number) for number in np.unique(block)]
    generator = np.random.default_rng([1, len(blocks)])
    drawn = generator.integers(0, len(blocks), (RESAMPLES, len(blocks)))
    found = []
    for number, quantile in enumerate(QUANTILES):
        a, b = (side.end(number) for side in sides)
        interval = None
        if not a.is_least and not b.is_least:
            changes = _resampled(before, after, blocks, drawn, quantile)
            low, high = np.quantile(changes, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
            interval = Interval(float(low) / 1e6, float(high) / 1e6)
        found.append(Difference(quantile, a, b, interval))
    return found


def _resampled(before: Floats, after: Floats, blocks: list[Any], drawn: Any, quantile: float) -> list[float]:
    """Of each resample: the percentile after, minus the percentile before. Weighted, on values sorted once."""
    sides = []
    for values in (before, after):
        order = np.argsort(values, kind="stable")
        owner = np.empty(len(values), np.int64)
        for number, rows in enumerate(blocks):
            owner[rows] = number
        sides.append((values[order], owner[order]))
    changes = []
    for draw in drawn:
        weight = np.bincount(draw, minlength=len(blocks))
        ends = []
        for values, owner in sides:
            up_to = np.cumsum(weight[owner])
            ends.append(values[np.searchsorted(up_to, np.ceil(quantile * up_to[-1]))])
        changes.append(float(ends[1] - ends[0]))
    return changes


def _at(values: Floats, quantile: float) -> float:
    rank = max(int(np.ceil(quantile * len(values))), 1)
    return float(np.partition(values, rank - 1)[rank - 1])
