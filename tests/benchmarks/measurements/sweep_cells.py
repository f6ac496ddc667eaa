"""What each further simulated cell of 20,000 items costs: a sweep of 1,000 of them against one of 200."""

from __future__ import annotations

from typing import Final

from tests.benchmarks.rows import Row
from tests.benchmarks.sweeps import Sweep, scratch, timed

TIMEOUT_S: Final = 600.0
FEW: Final = 200
MANY: Final = 1000
CELL: Final = ("clock=simulated", "sink=model", "load.rate_per_s=20000", "load.duration_s=1")


def measure() -> list[Row]:
    seconds = {}
    with scratch() as parent:
        for count in (FEW, MANY):
            folder = parent / f"{count}"
            seconds[count] = timed(folder, ["-m", *CELL, f"seed=range(1,{count + 1})"])
            if Sweep(folder).count("completed") != count:
                raise RuntimeError(f"not all of {count} cells completed")
    each_ms = (seconds[MANY] - seconds[FEW]) / (MANY - FEW) * 1e3
    note = f"{FEW}: {seconds[FEW]:.1f} s, {MANY:,}: {seconds[MANY]:.1f} s, verdicts and table included"
    return [Row.at_most("cell_ms", "a further cell, its 20,000 items simulated", each_ms, "ms", 15, note)]
