"""Percentiles of the response before and after, over pairs of runs, and their difference with an interval.

Must live here: the question to the items, the resampling of shared time blocks. Must not: which runs make a pair
(`pairing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.report.intervals import BUCKETS_PER_DOUBLING, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.report.evidence import Answers
    from ingestexp.report.intervals import Counts, Floats

BLOCKS: Final = 50
RESAMPLES: Final = 500
CONFIDENCE: Final = 0.95
MOST_BUCKETS: Final = 4000

# One row a pair, shared time block of intended arrival, side (0 before, 1 after) and latency bucket, over the items
# that both runs kept and that are due after the warm-up.
_QUERY: Final = """
WITH pairs(pair, before_run, after_run) AS (VALUES {pairs}),
before AS (
    SELECT p.pair, r.item_id, r.intended_at_ns, r.response_ns, r.is_censored
    FROM responses r JOIN pairs p ON p.before_run = r.run WHERE r.response_ns IS NOT NULL
),
after AS (
    SELECT p.pair, r.item_id, r.intended_at_ns, r.response_ns, r.is_censored
    FROM responses r JOIN pairs p ON p.after_run = r.run WHERE r.response_ns IS NOT NULL
),
paired AS MATERIALIZED (
    SELECT b.pair, b.intended_at_ns, a.intended_at_ns - b.intended_at_ns AS apart_ns,
        b.response_ns AS before_ns, a.response_ns AS after_ns,
        b.is_censored AS before_censored, a.is_censored AS after_censored
    FROM before b JOIN after a ON a.pair = b.pair AND a.item_id = b.item_id
),
spans AS (
    SELECT pair, min(intended_at_ns) AS from_ns, max(intended_at_ns) + 1 - from_ns AS span_ns FROM paired GROUP BY pair
),
placed AS (
    SELECT p.*, ((p.intended_at_ns - s.from_ns)::HUGEINT * {blocks} // s.span_ns)::INTEGER AS block
    FROM paired p JOIN spans s ON s.pair = p.pair
)
SELECT pair, block, 0 AS side, latency_bucket(before_ns) AS bucket, count(*) AS item_count,
    count(*) FILTER (before_censored) AS censored_count, count(*) FILTER (apart_ns <> 0) AS apart_count
FROM placed GROUP BY ALL
UNION ALL
SELECT pair, block, 1, latency_bucket(after_ns) AS bucket, count(*), count(*) FILTER (after_censored), 0
FROM placed GROUP BY ALL
"""


@dataclass(frozen=True, slots=True)
class PercentileChange:
    """ms. `*_least`: only "at least" is known of it (unsettled items, or a backlog that grows); then no interval."""

    percentile: float
    before_ms: float
    after_ms: float
    interval_ms: Interval | None
    before_least: bool = False
    after_least: bool = False
    before_growing: bool = False
    after_growing: bool = False

    @property
    def delta_ms(self) -> float | None:
        """None where one side is no number: the difference would grow with the run's duration as well."""
        return None if self.before_least or self.after_least else self.after_ms - self.before_ms


def percentile_changes(
    answers: Answers, runs: Sequence[tuple[str, str]], percentiles: Sequence[float], growing: tuple[bool, bool]
) -> tuple[list[PercentileChange], str]:
    """Of pairs (before, after) of `runs`, pooled; and why there is none. `growing`: whether a side's backlog grows."""
    if not runs:
        return [], ""
    values = ", ".join(f"({number}, '{before}', '{after}')" for number, (before, after) in enumerate(runs))
    cells = answers.arrays(_QUERY.format(pairs=values, blocks=BLOCKS), "paired responses")
    if not len(cells["pair"]):
        return [], "no item was kept by both: nothing to pair"
    if int(cells["apart_count"].sum()):
        return [], "its runs did not see the same arrivals: nothing to pair"
    block = cells["pair"].astype(np.int64) * BLOCKS + cells["block"].astype(np.int64)
    blocks, row = np.unique(block, return_inverse=True)
    sides = [_Side(cells, cells["side"] == side, row, len(blocks)) for side in (0, 1)]
    generator = np.random.default_rng([1, len(blocks)])
    shares = np.full(len(blocks), 1 / len(blocks))
    weights = generator.multinomial(len(blocks), shares, size=RESAMPLES).astype(np.float64)
    resampled = [weights @ side.histogram for side in sides]
    found = []
    for percentile in dict.fromkeys(percentiles):
        least = [growing[n] or side.is_lower_bound(percentile) for n, side in enumerate(sides)]
        before, after = (side.value_ms(percentile) for side in sides)
        interval = None
        if not any(least):
            ends = [_at(each, side.middles_ms, percentile) for each, side in zip(resampled, sides, strict=True)]
            low, high = np.quantile(ends[1] - ends[0], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
            delta = after - before  # the coarser buckets of the resamples must not shut it out
            interval = Interval(min(float(low), delta), max(float(high), delta))
        found.append(PercentileChange(percentile, before, after, interval, least[0], least[1], *growing))
    return found, ""


class _Side:
    """One side's items: by fine bucket, and as (blocks, coarser buckets) to resample."""

    def __init__(self, cells: dict[str, Any], mine: Any, row: Any, block_count: int) -> None:
        buckets, column = np.unique(cells["bucket"][mine].astype(np.int64), return_inverse=True)
        counts = cells["item_count"][mine]
        self._buckets = buckets
        self._counts = np.bincount(column, weights=counts).astype(np.int64)
        self._censored = np.bincount(column, weights=cells["censored_count"][mine]).astype(np.int64)
        step = max(1, -(-len(buckets) // MOST_BUCKETS))
        self.histogram: Floats = np.zeros((block_count, -(-len(buckets) // step)))
        np.add.at(self.histogram, (row[mine], column // step), counts)
        self.middles_ms: Floats = _middle_ms(buckets[step // 2 :: step] if step > 1 else buckets)
        if len(self.middles_ms) < self.histogram.shape[1]:
            self.middles_ms = np.append(self.middles_ms, _middle_ms(buckets[-1:]))

    def value_ms(self, percentile: float) -> float:
        return float(_middle_ms(self._buckets[self._rank(percentile)]))

    def is_lower_bound(self, percentile: float) -> bool:
        """An unsettled item up to there would be later than its age."""
        return bool(self._censored[: self._rank(percentile) + 1].sum())

    def _rank(self, percentile: float) -> int:
        up_to = np.cumsum(self._counts)
        return int(np.argmax(up_to >= max(np.ceil(up_to[-1] * percentile / 100), 1)))


def _at(resampled: Floats, middles_ms: Floats, percentile: float) -> Floats:
    up_to = np.cumsum(resampled, axis=1)
    ranks = np.maximum(np.ceil(up_to[:, -1] * percentile / 100), 1)
    found: Floats = middles_ms[np.argmax(up_to >= ranks[:, None], axis=1)]
    return found


def _middle_ms(bucket: Counts | Any) -> Any:
    return (np.exp2((bucket + 0.5) / BUCKETS_PER_DOUBLING) - 1) / 1e6
