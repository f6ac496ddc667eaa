"""Intervals against published tables and against their own coverage.

Must live here: bounds of ratios and percentiles. Must not: verdicts.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from ingestexp.report.intervals import (
    BUCKETS_PER_DOUBLING,
    RESAMPLES,
    binomial_cdf,
    binomial_interval,
    percentile_interval,
    ratio_interval,
    resample_weights,
    trials_needed,
)


@pytest.mark.parametrize(("over", "needed"), [(0, 459), (1, 662), (2, 838), (5, 1307), (10, 2010)])
def test_early_stopping_agrees_with_mlperf(over: int, needed: int) -> None:
    assert trials_needed(over, 0.01, 0.99) == needed


def test_binomial_cdf_by_hand() -> None:
    assert binomial_cdf(1, 3, 0.5) == pytest.approx(0.5)
    assert binomial_cdf(0, 10, 0.1) == pytest.approx(0.9**10)
    assert binomial_cdf(10, 10, 0.1) == 1.0


def test_clopper_pearson_by_the_book() -> None:
    none, all_of_them, half = (binomial_interval(k, 20, 0.95) for k in (0, 20, 10))
    assert [none.low, none.high] == pytest.approx([0.0, 0.1684], abs=1e-4)
    assert [all_of_them.low, all_of_them.high] == pytest.approx([0.8316, 1.0], abs=1e-4)
    assert [half.low, half.high] == pytest.approx([0.2720, 0.7280], abs=1e-4)


def test_a_single_bad_block_widens_the_interval() -> None:
    """One stall in 50 blocks: five such would be no surprise, which resampling blocks alone understates."""
    totals = np.full(50, 100)
    over = np.zeros(50, dtype=np.int64)
    over[7] = 50
    interval = ratio_interval(over, totals, resample_weights(50, 1), 0.95)
    assert interval.low < 0.01 / 10
    assert interval.high > 0.05


def test_the_ratio_interval_covers_the_truth() -> None:
    """Bad stretches hit a tenth of the blocks; 95 % intervals hold the true ratio about that often."""
    generator = np.random.default_rng(3)
    totals, held = np.full(40, 200), 0
    weights = resample_weights(40, 5)
    for _ in range(200):
        over = np.where(generator.random(40) < 0.1, generator.binomial(200, 0.2, 40), 0)
        interval = ratio_interval(over, totals, weights, 0.95)
        held += interval.low <= 0.02 <= interval.high
    assert held >= 180


def test_the_percentile_interval_brackets_the_percentile() -> None:
    latencies = np.arange(1, 1001) * 1_000_000
    buckets = np.array([math.floor(math.log2(value + 1) * BUCKETS_PER_DOUBLING) for value in latencies])
    histogram = np.ones((30, 1000), dtype=np.int64)
    interval = percentile_interval(histogram, buckets, 99, resample_weights(30, 1), 0.95)
    assert interval.low == pytest.approx(990e6, rel=1e-3)
    assert interval.high == pytest.approx(990e6, rel=1e-3)


def test_the_same_seed_draws_the_same_blocks() -> None:
    assert np.array_equal(resample_weights(20, 4), resample_weights(20, 4))
    assert resample_weights(20, 4).sum(axis=1).tolist() == [20.0] * 2000


def test_a_percentiles_interval_is_that_of_all_buckets_looked_at() -> None:
    """By bisection or by cumulative sums of every resample: the same ends."""
    draw = np.random.default_rng(3)
    for block_count, bucket_count in ((1, 1), (2, 3), (20, 50), (50, 700)):
        histogram = draw.integers(0, 40, (block_count, bucket_count)) * draw.integers(0, 2, (block_count, bucket_count))
        histogram[0, -1] += 1
        buckets = np.sort(draw.choice(20_000, bucket_count, replace=False))
        weights = resample_weights(block_count, 5)
        pooled = np.cumsum(weights @ histogram, axis=1)
        ranks = np.maximum(np.ceil(pooled[:, -1] * 0.99), 1)
        chosen = buckets[np.argmax(pooled >= ranks[:, None], axis=1)]
        low, high = np.quantile(np.exp2((chosen + 0.5) / BUCKETS_PER_DOUBLING) - 1, [0.025, 0.975])
        found = percentile_interval(histogram, buckets, 99.0, weights, 0.95)
        assert (found.low, found.high) == (low, high)


def test_every_resample_draws_as_many_blocks_as_there_are() -> None:
    weights = resample_weights(7, 1)
    assert weights.shape == (RESAMPLES, 7)
    assert set(weights.sum(axis=1)) == {7.0}
    assert np.allclose(weights.mean(axis=0), 1, atol=0.1)
