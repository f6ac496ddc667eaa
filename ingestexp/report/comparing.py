"""`report compare A B`: two runs of the same arrivals, paired item by item.

Must live here: whether they may be paired, the differences and their intervals. Must not: words and layout.

The difference of two percentiles is not the percentile of the differences: time blocks common to both runs are drawn
with replacement, both percentiles are taken anew, and their difference is noted (ALGORITHMS B).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.report.evidence import Answers, EvidenceError
from ingestexp.report.intervals import Interval

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.report.intervals import Floats

BLOCKS: Final = 50
RESAMPLES: Final = 500
CONFIDENCE: Final = 0.95
PARTS: Final = ("lateness", "blocked", "queue", "window", "retry", "service")
_MOST_ITEMS: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """B - A, ms. `quantile` of the response over the paired items; the interval by common time blocks."""

    quantile: float
    a_ms: float
    b_ms: float
    interval_ms: Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """`parts_ms`: (name, mean in A, mean in B) of what a committed item's response is made of."""

    item_count: int
    slower_ratio: float
    faster_ratio: float
    mean_ms: float
    differences: list[Difference]
    parts_ms: list[tuple[str, float, float]]


def compare_runs(a: Path, b: Path) -> Comparison:
    """Raises EvidenceError where the runs did not see the same arrivals, or have no response times."""
    with Answers([a, b], with_superseded=True) as answers:
        names = [row["run"] for row in answers.answer("SELECT run FROM runs ORDER BY run", "the runs").rows]
        if len(names) != 2:
            raise EvidenceError(f"{a} and {b}: two run folders are needed")
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
        parts = {row["run"]: row for row in answers.rows("tables/latency_parts.sql")}
    if not len(pairs["a_response_ns"]):
        raise EvidenceError(f"{a} and {b} have no response times to compare (a capacity run has none)")
    before, after = pairs["a_response_ns"].astype(np.float64), pairs["b_response_ns"].astype(np.float64)
    delta = after - before
    return Comparison(
        len(delta),
        float((delta > 0).mean()),
        float((delta < 0).mean()),
        float(delta.mean()) / 1e6,
        _differences(pairs["intended_at_ns"], before, after),
        [(part, _ms(parts, names[0], part), _ms(parts, names[1], part)) for part in PARTS],
    )


def _ms(parts: dict[str, dict[str, Any]], run: str, part: str) -> float:
    return float((parts.get(run) or {}).get(f"{part}_ns") or 0) / 1e6


def _differences(due_ns: Any, before: Floats, after: Floats) -> list[Difference]:
    """p50 and p99; blocks of equal time over the arrivals both runs share."""
    start, end = int(due_ns.min()), int(due_ns.max()) + 1
    block = ((due_ns - start) * BLOCKS // (end - start)).astype(np.int64)
    blocks = [np.flatnonzero(block == number) for number in np.unique(block)]
    generator = np.random.default_rng([1, len(blocks)])
    drawn = generator.integers(0, len(blocks), (RESAMPLES, len(blocks)))
    found = []
    for quantile in (0.5, 0.99):
        changes = _resampled(before, after, blocks, drawn, quantile)
        low, high = np.quantile(changes, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        found.append(
            Difference(
                quantile, _at(before, quantile), _at(after, quantile), Interval(float(low) / 1e6, float(high) / 1e6)
            )
        )
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
    return float(np.partition(values, rank - 1)[rank - 1]) / 1e6
