"""`load=regimes`: named phases, each with a rate of its own, e.g. night, morning, sale.

Must live here: this load only.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

from ingestexp.adapters.loads.phase import Phase, poisson_in_phases
from ingestexp.adapters.loads.unit_poisson import UnitPoisson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from ingestexp.ports import Arrivals


class Regime(NamedTuple):
    """One named phase: Poisson at `rate_per_s` (0: silence) for `duration_s` seconds."""

    name: str
    rate_per_s: float
    duration_s: float


class Regimes:
    """The regimes one after the other. `phases` has one entry per regime, so a name may stand there twice."""

    def __init__(self, regimes: Sequence[Regime], rng: np.random.Generator) -> None:
        self.phases: tuple[str, ...] = tuple(regime.name for regime in regimes)
        self._phases: list[Phase] = []
        end_s, end_ns = 0.0, 0
        for index, regime in enumerate(regimes):
            end_s += regime.duration_s
            start_ns, end_ns = end_ns, round(end_s * 1e9)
            self._phases.append(Phase(index, start_ns, end_ns, regime.rate_per_s))
        self.duration_ns = end_ns
        self.expected_items = round(sum((p.end_ns - p.start_ns) * p.rate_per_s / 1e9 for p in self._phases))
        self._rng = copy.deepcopy(rng)

    def stretches(self, max_items: int) -> Iterator[Arrivals]:
        return poisson_in_phases(UnitPoisson(self._rng), self._phases, max_items)
