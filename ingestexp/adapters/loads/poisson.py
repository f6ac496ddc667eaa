"""`load=poisson`: independent arrivals at one mean rate, the usual model of many unrelated clients.

Must live here: this load only.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from ingestexp.adapters.loads.phase import Phase, poisson_in_phases
from ingestexp.adapters.loads.unit_poisson import UnitPoisson

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from ingestexp.ports import Arrivals


class Poisson:
    """Exponential gaps of mean 1 / rate_per_s seconds, for `duration_s` seconds."""

    phases: tuple[str, ...] = ("steady",)

    def __init__(self, rate_per_s: float, duration_s: float, rng: np.random.Generator) -> None:
        self.duration_ns = round(duration_s * 1e9)
        self.expected_items = round(rate_per_s * self.duration_ns / 1e9)
        self._phase = Phase(0, 0, self.duration_ns, rate_per_s)
        self._rng = copy.deepcopy(rng)

    def stretches(self, max_items: int) -> Iterator[Arrivals]:
        return poisson_in_phases(UnitPoisson(self._rng), [self._phase], max_items)
