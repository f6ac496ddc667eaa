"""Poisson arrivals at a rate that is constant within a phase.

Must live here: the phase, and the arrivals of a sequence of phases. Must not: which phases a load has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingestexp.ports import Arrivals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestexp.adapters.loads.unit_poisson import Float64s, UnitPoisson


class Phase(NamedTuple):
    """Items arrive at `rate_per_s` from `start_ns` up to, not including, `end_ns`. `phase_index` is into `phases`."""

    phase_index: int
    start_ns: int
    end_ns: int
    rate_per_s: float


def poisson_in_phases(unit: UnitPoisson, phases: Iterable[Phase], max_items: int) -> Iterator[Arrivals]:
    """The arrivals of adjoining `phases`, by time change: item k is due where the integrated rate reaches E_k.

    (Exact for any rate function: Çinlar, Introduction to Stochastic Processes, 4.7.) No gap is thrown away at a
    phase's end, so the arrivals do not depend on `max_items`. A phase without an arrival gives no stretch.
    """
    scratch: Float64s = np.empty(max_items)  # fresh pages for each stretch would cost more than the arithmetic
    reached = 0.0  # the rate integrated up to the phase's start: the expected number of items so far
    for index, start_ns, end_ns, rate_per_s in phases:
        expected = rate_per_s * (end_ns - start_ns) / 1e9
        if expected <= 0:
            continue
        ends_at = reached + expected
        ns_per_item = 1e9 / rate_per_s
        shift_ns = start_ns - reached * ns_per_item
        while True:
            instants = unit.ready(max_items)
            within = len(instants) if instants[-1] < ends_at else int(instants.searchsorted(ends_at))
            if within:
                scaled = np.multiply(instants[:within], ns_per_item, out=scratch[:within])
                if shift_ns:
                    scaled += shift_ns
                due_ns = scaled.astype(np.int64)
                if due_ns[0] < start_ns or due_ns[-1] >= end_ns:  # by a rounding error of the float arithmetic
                    np.clip(due_ns, start_ns, end_ns - 1, out=due_ns)
                yield Arrivals(due_ns, None, index)
            done = within < len(instants)
            unit.skip(within)
            if done:
                break
        reached = ends_at
