"""How sure a ratio and a percentile are, when the unit of evidence is the time block.

Must live here: bootstrap, exact binomial bounds, early stopping: pure functions of numbers. Must not: what follows
from them (`verdict`), where they come from (`figures`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

RESAMPLES: Final = 2000
BUCKETS_PER_DOUBLING: Final = 1420
"""As `latency_bucket` in analysis/views.sql."""


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


def resample_weights(block_count: int, seed: int) -> Floats:
    """(RESAMPLES, block_count): how often each block is drawn in a resample of as many blocks, with replacement."""
    drawn = np.random.default_rng([seed, block_count]).integers(0, block_count, (RESAMPLES, block_count))
    places = drawn + np.arange(RESAMPLES)[:, None] * block_count
    counts = np.bincount(places.ravel(), minlength=RESAMPLES * block_count)
    return counts.reshape(RESAMPLES, block_count).astype(np.float64)


def ratio_interval(over: Counts, totals: Counts, weights: Floats, confidence: float) -> Interval:
    """Interval of sum(over) / sum(totals), blocks (k,) as units.

    The wider, at each end, of the percentile bootstrap over blocks and of `bad blocks x how bad they are`: the exact
    (Clopper-Pearson) bounds of the share of blocks with any exceedance, times the exceedances a bad block has on
    average. The bootstrap alone is overconfident when only a few blocks (stalls) carry all the exceedances.
    """
    sums = weights @ totals
    ratios = np.divide(weights @ over, sums, out=np.zeros_like(sums), where=sums > 0)
    alpha = 1 - confidence
    low, high = (float(bound) for bound in np.quantile(ratios, [alpha / 2, 1 - alpha / 2]))
    bad = int(np.count_nonzero(over))
    if bad:
        severity = float(over.sum()) / float(totals.sum()) * len(over) / bad
        share = binomial_interval(bad, len(over), confidence)
        low, high = min(low, share.low * severity), max(high, min(1.0, share.high * severity))
    return Interval(low, high)


def percentile_interval(histogram: Counts, buckets: Counts, percentile: float, weights: Floats, c: float) -> Interval:
    """Interval of the pooled percentile, ns: histogram (k blocks, b), buckets (b,) ascending `latency_bucket`s.

    Of each resample the first bucket that reaches its rank, by bisection: to look at all of them takes far longer.
    """
    up_to = np.ascontiguousarray(np.cumsum(histogram, axis=1, dtype=np.float64).T)
    ranks = np.maximum(np.ceil(weights @ up_to[-1] * percentile / 100), 1)
    low_at = np.zeros(len(weights), np.int64)
    high_at = np.full(len(weights), len(up_to) - 1)
    while np.any(low_at < high_at):
        middle = (low_at + high_at) // 2
        reached = np.einsum("rk,rk->r", weights, up_to[middle]) >= ranks
        high_at = np.where(reached, middle, high_at)
        low_at = np.where(reached, low_at, np.minimum(middle + 1, high_at))
    values = np.exp2((buckets[low_at] + 0.5) / BUCKETS_PER_DOUBLING) - 1
    low, high = np.quantile(values, [(1 - c) / 2, (1 + c) / 2])
    return Interval(float(low), float(high))


def binomial_interval(successes: int, trials: int, confidence: float) -> Interval:
    """Clopper-Pearson bounds of a share."""
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else _solve(lambda q: 1 - binomial_cdf(successes - 1, trials, q) < tail)
    high = 1.0 if successes == trials else _solve(lambda q: binomial_cdf(successes, trials, q) > tail)
    return Interval(low, high)


def binomial_cdf(successes: int, trials: int, q: float) -> float:
    """P[Bin(trials, q) <= successes]."""
    if successes >= trials:
        return 1.0
    if q <= 0 or q >= 1:
        return 1.0 if q <= 0 else 0.0
    i = np.arange(1, successes + 1, dtype=np.float64)
    steps = np.log(trials - i + 1) - np.log(i) + math.log(q) - math.log1p(-q)
    logs = np.concatenate([[0.0], np.cumsum(steps)]) + trials * math.log1p(-q)
    top = float(logs.max())
    return min(1.0, math.exp(top) * float(np.exp(logs - top).sum()))


def trials_needed(over: int, allowed_ratio: float, confidence: float) -> int:
    """Least n such that `over` exceedances among n pass at the confidence (MLPerf LoadGen, early stopping).

    n = h + t with h = min{h : P[Bin(h + t, 1 - p) <= t] <= 1 - c}, 1 - p = allowed_ratio. For p99 at c = 0.99:
    459, 662, 838, 1307, 2010 for t = 0, 1, 2, 5, 10.
    """
    low, high = over, max(2 * over, 1)
    while binomial_cdf(over, high, allowed_ratio) > 1 - confidence:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if binomial_cdf(over, middle, allowed_ratio) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def items_to_settle(
    over: Counts, totals: Counts, allowed_ratio: float, confidence: float, interval: Interval
) -> int | None:
    """About how many items in all would settle it, if the exceedances go on at this ratio; None: out of reach.

    The interval's end on the far side of what is allowed must come to this side of it, and its width shrinks with the
    root of the items. Towards a PASS early stopping must be content as well; items of a block share their fate, so n
    items count as n / d independent ones, d being the design effect (variance over blocks by the binomial one).
    """
    items, exceeding, blocks = int(totals.sum()), int(over.sum()), len(totals)
    ratio = exceeding / items
    gap = abs(ratio - allowed_ratio)
    width = ratio - interval.low if ratio > allowed_ratio else interval.high - ratio
    if gap == 0:
        return None
    total = items * (width / gap) ** 2
    if ratio < allowed_ratio:
        residual = (over - ratio * totals).astype(np.float64)
        variance = float((residual**2).sum()) * blocks / max(1, blocks - 1) / items**2
        binomial_variance = ratio * (1 - ratio) / items
        effect = max(1.0, variance / binomial_variance) if binomial_variance > 0 else 1.0
        ceiling = 200 * items / effect
        total = max(total, effect * _smallest_passing(ratio, allowed_ratio, confidence, ceiling))
    return math.ceil(total) if total <= 100 * items else None


def _smallest_passing(ratio: float, allowed_ratio: float, confidence: float, ceiling: float) -> float:
    trials = trials_needed(0, allowed_ratio, confidence)
    while trials <= ceiling:
        expected = trials_needed(math.ceil(ratio * trials), allowed_ratio, confidence)
        if expected <= trials:
            return trials
        trials = max(expected, math.ceil(trials * 1.05))
    return math.inf


def _solve(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if below(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2
