"""SimPy models of the same pipeline, at 0.9 of the worker's capacity, window of 512 items and of 1.

What is and isn't comparable with our simulated clock: see `tests.benchmarks.simpy_model`.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Final

from tests.benchmarks.rows import Row
from tests.benchmarks.simpy_model import Outcome, Parameters, poisson_due_ns, simulate_counter, simulate_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.simpy_model import Int64s

UTILISATION: Final = 0.9
ITEMS: Final = {512: 200_000, 1: 100_000}
ROUNDS: Final = 3
SEED: Final = 1


def arrivals(parameters: Parameters) -> Int64s:
    """The arrivals that both our simulator and SimPy are given, ns."""
    return poisson_due_ns(UTILISATION * parameters.capacity_per_s(), ITEMS[parameters.max_size], SEED)


def pace(simulate: Callable[[Parameters, Int64s], Outcome], parameters: Parameters) -> tuple[float, Outcome]:
    """(median items/s of the rounds, the outcome, which is the same in every round)."""
    due_ns = arrivals(parameters)
    rates = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        outcome = simulate(parameters, due_ns)
        rates.append(len(due_ns) / (time.perf_counter() - started))
    return median(rates), outcome


def measure() -> list[Row]:
    rows = []
    for max_size in ITEMS:
        parameters = Parameters(max_size=max_size)
        for way, simulate in (("store", simulate_store), ("counter", simulate_counter)):
            rate, outcome = pace(simulate, parameters)
            note = f"mean batch {outcome.mean_batch():.1f}, p99 response {outcome.response_ms(0.99):.2f} ms"
            rows.append(Row(f"{way}_{max_size}", f"SimPy, {way}, max_size={max_size}", rate, "items/s", note=note))
    return rows
