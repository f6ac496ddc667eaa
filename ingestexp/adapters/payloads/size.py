"""How large payloads are.

Must live here: the distribution of sizes. Must not: payloads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ingestexp.ports import Int32s


def lognormal_sizes(mean: int, cv: float, smallest: int, count: int, rng: np.random.Generator) -> Int32s:
    """Sizes in bytes (count,), lognormal with the given mean and coefficient of variation, none below `smallest`.

    sigma^2 = ln(1 + cv^2). The drawn logarithms are standardised and the sizes scaled, so that a pool of a few
    thousand has the mean asked for, not one that depends on the luck of the tail. Where many would fall below
    `smallest` the mean is kept and the variation comes out smaller.
    """
    if cv == 0:
        return np.full(count, mean, np.int32)
    sigma = math.sqrt(math.log1p(cv * cv))
    drawn = rng.standard_normal(count)
    shape = np.exp(sigma * (drawn - drawn.mean()) / drawn.std())
    scale = mean / float(shape.mean())
    sizes = np.maximum(shape * scale, smallest)
    for _ in range(40):
        scale *= mean / float(sizes.mean())
        sizes = np.maximum(shape * scale, smallest)
    rounded: Int32s = np.rint(sizes).astype(np.int32)
    return rounded
