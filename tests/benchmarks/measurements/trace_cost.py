"""What the trace costs: 5 M items/s offered to `null`, with the trace off and on, interleaved."""

from __future__ import annotations

from statistics import median
from typing import Final

from tests.benchmarks.product import run
from tests.benchmarks.rows import Row

RATE_PER_S: Final = 5e6
DURATION_S: Final = 4
ROUNDS: Final = 3


def measure() -> list[Row]:
    held: dict[str, list[float]] = {"false": [], "true": []}
    cpu_ns: dict[str, list[float]] = {"false": [], "true": []}
    for _ in range(ROUNDS):
        for traced in held:
            with run(
                "load=constant",
                f"load.rate_per_s={RATE_PER_S}",
                f"load.duration_s={DURATION_S}",
                "sink='null'",
                "payload.size_cv=0",
                "policy.capacity=2000000",
                f"trace.enabled={traced}",
            ) as done:
                held[traced].append(done.committed / (done.manifest["ended_at_ns"] / 1e9) / RATE_PER_S)
                cpu_ns[traced].append(done.manifest["counters"]["cpu_ns"] / done.committed)
    cost = median(cpu_ns["true"]) - median(cpu_ns["false"])
    note = (
        f"CPU {median(cpu_ns['false']):.0f} ns an item off, {median(cpu_ns['true']):.0f} on; median of {ROUNDS} pairs"
    )
    return [
        Row.at_least("held_off", "5 M/s offered, trace off: served ÷ offered", min(held["false"]), "ratio", 0.99),
        Row.at_least("held_on", "5 M/s offered, trace on: served ÷ offered", min(held["true"]), "ratio", 0.99),
        Row.at_most("cpu_ns", "CPU that the trace adds", cost, "ns/item", 150, note),
    ]
