"""The simulated clock at `max_size` 512 and 1, trace off and on, beside a SimPy model of the same pipeline."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from tests.benchmarks.measurements.simpy_pipeline import UTILISATION
from tests.benchmarks.product import run
from tests.benchmarks.rows import Row
from tests.benchmarks.simpy_model import Parameters

if TYPE_CHECKING:
    from tests.benchmarks.rows import Found

ITEMS: Final = {512: 30_000_000, 1: 600_000}
REACH: Final = {(512, "true"): 10e6, (512, "false"): 30e6, (1, "true"): 0.25e6, (1, "false"): 0.3e6}
ROUNDS: Final = 3


def measure() -> list[Row]:
    rates: dict[tuple[int, str], list[float]] = {key: [] for key in REACH}
    for _ in range(ROUNDS):
        for (max_size, traced), found in rates.items():
            found.append(rate(Parameters(max_size=max_size), traced))
    rows = []
    for (max_size, traced), found in rates.items():
        what = f"simulated, max_size={max_size}, trace {'on' if traced == 'true' else 'off'}"
        note = f"median of {ROUNDS}, {min(found) / 1e6:.3g}…{max(found) / 1e6:.3g} M"
        slug = f"{max_size}_{'on' if traced == 'true' else 'off'}"
        rows.append(Row.at_least(slug, what, median(found), "items/s", REACH[max_size, traced], note))
    return rows


def rate(parameters: Parameters, traced: str) -> float:
    """Items/s of one run, the evidence closed; the same load and costs as SimPy's."""
    per_s = UTILISATION * parameters.capacity_per_s()
    with run(
        "clock=simulated",
        "sink=model",
        f"sink.fixed_ms={parameters.fixed_ns / 1e6}",
        f"sink.per_item_us={parameters.per_item_ns / 1e3}",
        "sink.per_byte_ns=0",
        "sink.noise=none",
        f"load.rate_per_s={per_s}",
        f"load.duration_s={ITEMS[parameters.max_size] / per_s}",
        f"window.max_size={parameters.max_size}",
        f"window.max_wait_ms={parameters.max_wait_ns / 1e6}",
        "payload.size_cv=0",
        f"trace.enabled={traced}",
    ) as done:
        return done.items_per_s()


def ratios(found: Found) -> list[Row]:
    rows = []
    for max_size in ITEMS:
        ours = found.value("simulated", f"{max_size}_on")
        theirs = found.value("simpy_pipeline", f"store_{max_size}")
        if ours is None or theirs is None:
            continue
        what = f"simulated, max_size={max_size}, trace on ÷ SimPy"
        if max_size == 512:
            rows.append(Row.at_least(f"over_simpy_{max_size}", what, ours / theirs, "×", 60))
        else:
            rows.append(Row(f"over_simpy_{max_size}", what, ours / theirs, "×"))
    return rows
