"""`load=ramp`: a rate that grows (or falls) evenly, to see where a configuration gives in.

Must live here: this load only.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from ingestexp.adapters.loads.unit_poisson import UnitPoisson
from ingestexp.ports import Arrivals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.adapters.loads.unit_poisson import Float64s


class Ramp:
    """Poisson whose rate goes linearly from `rate_per_s` at the start to `end_rate_per_s` at the end.

    By inversion: the integrated rate is L(t) = r0 t + a t^2 / 2 with a = (r1 - r0) / T; the item with unit-rate
    instant E is due at t = 2 E / (r0 + sqrt(r0^2 + 2 a E)), the form that holds for a = 0 and loses no digits.
    """

    phases: tuple[str, ...] = ("ramp",)

    def __init__(self, rate_per_s: float, end_rate_per_s: float, duration_s: float, rng: np.random.Generator) -> None:
        self.duration_ns = round(duration_s * 1e9)
        self._start_rate_per_s = rate_per_s
        self._slope_per_s2 = (end_rate_per_s - rate_per_s) / duration_s if duration_s > 0 else 0.0
        self._total = (rate_per_s + end_rate_per_s) / 2 * self.duration_ns / 1e9
        self.expected_items = round(self._total)
        self._rng = copy.deepcopy(rng)

    def stretches(self, max_items: int) -> Iterator[Arrivals]:
        unit = UnitPoisson(self._rng)
        scratch: Float64s = np.empty(max_items)
        done = self._total <= 0
        while not done:
            instants = unit.ready(max_items)
            within = int(instants.searchsorted(self._total))
            done = within < len(instants)
            if within:
                due_ns = self._due_ns(instants[:within], scratch[:within]).astype(np.int64)
                if due_ns[-1] >= self.duration_ns:  # by a rounding error of the float arithmetic
                    np.minimum(due_ns, self.duration_ns - 1, out=due_ns)
                unit.skip(within)
                yield Arrivals(due_ns)

    def _due_ns(self, instants: Float64s, out: Float64s) -> Float64s:
        rate = self._start_rate_per_s
        np.multiply(instants, 2 * self._slope_per_s2, out=out)
        out += rate * rate
        np.maximum(out, 0.0, out=out)  # just below 0 by rounding at the end of a ramp down to 0
        np.sqrt(out, out=out)
        out += rate
        np.maximum(out, np.finfo(np.float64).tiny, out=out)  # an instant of exactly 0 on a ramp up from 0
        np.divide(instants, out, out=out)
        out *= 2e9
        return out
