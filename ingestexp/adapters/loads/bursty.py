"""`load=bursty`: bursts of traffic with quiet times between them.

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

ON, OFF = 0, 1


class Bursty:
    """Poisson at `rate_per_s` for `on_ms`, then at `idle_rate_per_s` (0: silence) for `off_ms`, in turn; on first.

    Raises ValueError if `on_ms` + `off_ms` is not at least a nanosecond.
    """

    phases: tuple[str, ...] = ("on", "off")

    def __init__(
        self,
        rate_per_s: float,
        idle_rate_per_s: float,
        on_ms: float,
        off_ms: float,
        duration_s: float,
        rng: np.random.Generator,
    ) -> None:
        self.duration_ns = round(duration_s * 1e9)
        self._lengths_ns = (round(on_ms * 1e6), round(off_ms * 1e6))
        self._rates_per_s = (rate_per_s, idle_rate_per_s)
        if min(self._lengths_ns) < 0 or sum(self._lengths_ns) < 1:
            raise ValueError(
                f"load.on_ms={on_ms} and load.off_ms={off_ms}: together they must be above 0, neither below"
            )
        self._rng = copy.deepcopy(rng)
        self.expected_items = round(self._expected_items())

    def stretches(self, max_items: int) -> Iterator[Arrivals]:
        return poisson_in_phases(UnitPoisson(self._rng), self._alternate(), max_items)

    def _alternate(self) -> Iterator[Phase]:
        start_ns, index = 0, ON
        while start_ns < self.duration_ns:
            end_ns = min(start_ns + self._lengths_ns[index], self.duration_ns)
            yield Phase(index, start_ns, end_ns, self._rates_per_s[index])
            start_ns, index = end_ns, OFF if index == ON else ON

    def _expected_items(self) -> float:
        cycles, rest_ns = divmod(self.duration_ns, sum(self._lengths_ns))
        on_ns = cycles * self._lengths_ns[ON] + min(rest_ns, self._lengths_ns[ON])
        return (on_ns * self._rates_per_s[ON] + (self.duration_ns - on_ns) * self._rates_per_s[OFF]) / 1e9
