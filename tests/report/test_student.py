"""Quantiles of Student's t against published tables, and the intervals made of them."""

from __future__ import annotations

import math

import pytest

from ingestexp.report.student import mean_interval, ratio_interval_of, t_cdf, t_quantile


@pytest.mark.parametrize(
    ("probability", "freedom", "published"),
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 4, 2.776),
        (0.975, 30, 2.042),
        (0.995, 5, 4.032),
        (0.95, 10, 1.812),
    ],
)
def test_quantiles_are_those_of_the_tables(probability: float, freedom: int, published: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(published, abs=5e-4)
    assert t_cdf(t_quantile(probability, freedom), freedom) == pytest.approx(probability, abs=1e-9)


def test_many_degrees_of_freedom_come_to_the_normal() -> None:
    assert t_quantile(0.975, 100_000) == pytest.approx(1.95998, abs=1e-4)


def test_the_interval_of_a_mean_is_the_textbooks() -> None:
    found = mean_interval([2.0, 4.0, 6.0], 0.95)
    half = 4.30265 * 2 / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx((4 - half, 4 + half), abs=1e-4)


def test_a_ratio_and_its_inverse_have_inverse_intervals() -> None:
    ratios = [4.0, 5.0, 6.5, 4.4]
    found, inverse = ratio_interval_of(ratios, 0.95), ratio_interval_of([1 / r for r in ratios], 0.95)
    assert found.low == pytest.approx(1 / inverse.high)
    assert found.low < math.prod(ratios) ** 0.25 < found.high
