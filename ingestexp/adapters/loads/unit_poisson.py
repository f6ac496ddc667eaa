"""A Poisson process of rate 1, the one source of randomness of every random load.

Must live here: drawing its instants chunk by chunk. Must not: rates, phases, nanoseconds (a load maps these
instants to its own time by the inverse of its integrated rate).
"""

from __future__ import annotations

import copy

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]


class UnitPoisson:
    """Instants E1 <= E2 <= ... with independent standard exponential gaps, unit-free.

    The instants don't depend on how many are asked for at once: the generator hands out one gap after the other,
    and the running sum is strictly sequential, the carried remainder added to the first gap of a chunk.
    `rng` is copied, so that the same object can start the same process again.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = copy.deepcopy(rng)
        self._last = 0.0
        self._gaps: Float64s = np.empty(0)
        self._instants: Float64s = np.empty(0)
        self._ready: Float64s = self._instants

    def ready(self, at_most: int) -> Float64s:
        """The next instants (1..at_most,), a view that is valid until all of it was skipped."""
        if not self._ready.size:
            if self._gaps.size != at_most:
                # two buffers: NumPy would copy the input first if the running sum were written over it
                self._gaps, self._instants = np.empty(at_most), np.empty(at_most)
            self._rng.standard_exponential(out=self._gaps)
            self._gaps[0] += self._last
            np.add.accumulate(self._gaps, out=self._instants)
            self._last = float(self._instants[-1])
            self._ready = self._instants
        return self._ready[:at_most]

    def skip(self, count: int) -> None:
        """The first `count` of the ready instants are used."""
        self._ready = self._ready[count:]
