"""The generator's lateness (offered - intended), p99, while `sqlite` commits with full durability."""

from __future__ import annotations

from statistics import median
from typing import Final

from tests.benchmarks.product import run
from tests.benchmarks.rows import Row

ROUNDS: Final = 5
REACH_MS: Final = {50_000: 0.5, 100_000: 1.0}


def measure() -> list[Row]:
    rows = []
    for rate_per_s, reach_ms in REACH_MS.items():
        found = []
        for _ in range(ROUNDS):
            with run(f"load.rate_per_s={rate_per_s}", "load.duration_s=5") as done:
                found.append(done.manifest["self_checks"]["generator"]["lateness_p99_ns"] / 1e6)
        note = f"median of {ROUNDS} runs of 5 s, {min(found):.2f}…{max(found):.2f}"
        what = f"lateness p99, sqlite, {rate_per_s // 1000}k/s"
        rows.append(Row.at_most(f"p99_{rate_per_s}", what, median(found), "ms", reach_ms, note))
    return rows
