"""`load=constant`: items at even distances, without any randomness.

Must live here: this load only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ingestexp.ports import Arrivals

if TYPE_CHECKING:
    from collections.abc import Iterator


class Constant:
    """Item i is due at i / rate_per_s seconds, the first at 0; computed from i, so it does not drift."""

    phases: tuple[str, ...] = ("steady",)

    def __init__(self, rate_per_s: float, duration_s: float) -> None:
        self.duration_ns = round(duration_s * 1e9)
        self._ns_per_item = 1e9 / rate_per_s if rate_per_s > 0 else math.inf
        count = math.ceil(self.duration_ns / self._ns_per_item)
        while count and (count - 1) * self._ns_per_item >= self.duration_ns:
            count -= 1
        self.expected_items = count

    def stretches(self, max_items: int) -> Iterator[Arrivals]:
        for first in range(0, self.expected_items, max_items):
            ids = np.arange(first, min(first + max_items, self.expected_items), dtype=np.float64)
            ids *= self._ns_per_item
            yield Arrivals(ids.astype(np.int64))
