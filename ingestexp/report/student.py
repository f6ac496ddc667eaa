"""Student's t: how far a mean of a few repeats may be off.

Must live here: the quantile and the interval of a mean. Must not: what is averaged (`criteria`).
"""

from __future__ import annotations

import math
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from ingestexp.report.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence


def mean_interval(values: Sequence[float], confidence: float) -> Interval:
    """mean ± t·s/√k of at least two independent values."""
    half = t_quantile((1 + confidence) / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(fmean(values) - half, fmean(values) + half)


def ratio_interval_of(values: Sequence[float], confidence: float) -> Interval:
    """The same of the logarithms, taken back: the interval of a geometric mean of positive ratios."""
    logs = mean_interval([math.log(value) for value in values], confidence)
    return Interval(math.exp(logs.low), math.exp(logs.high))


def t_quantile(probability: float, freedom: int) -> float:
    """The t with P[T <= t] = probability, for 0.5 <= probability < 1; `freedom` >= 1."""
    low, high = 0.0, 1.0
    while t_cdf(high, freedom) < probability:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, freedom) < probability else (low, middle)
    return (low + high) / 2


def t_cdf(t: float, freedom: int) -> float:
    """P[T <= t], t >= 0: 1 - I_x(freedom/2, 1/2)/2 with x = freedom/(freedom + t²) (Abramowitz and Stegun 26.7.1)."""
    return 1 - incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), regularised, by its continued fraction (Numerical Recipes, 3rd ed., 6.4)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 300):
        for coefficient in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / (1 + coefficient * d), 1 + coefficient / c
            value *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * value
