"""The generator's lateness (offered - intended), p99, while `sqlite` commits with full durability.

Beside it the host's own: what the same arrivals would see from a bare loop that sleeps a tick and does nothing else,
measured just before each run. A generator can't be more punctual than the host wakes it.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from typing import Final

from tests.benchmarks.product import run
from tests.benchmarks.rows import Row

ROUNDS: Final = 5
REACH_MS: Final = {50_000: 0.5, 100_000: 1.0}

BARE_LOOP: Final = """
import os, sys, time
import numpy as np
from ingestexp.engine.placement import pin_thread, sharpen_timer, split_cores
core, others = split_cores()
pin_thread(others if core is None else frozenset([core]))
sharpen_timer()
wakes, end = [], time.perf_counter() + 3
while (now := time.perf_counter()) < end:
    wakes.append(now)
    time.sleep(0.0002)
woken = np.array(wakes)
due = np.linspace(woken[0], woken[-1], 150_000)
print(np.quantile(woken[np.searchsorted(woken, due)] - due, 0.99) * 1e3)
"""


def bare_p99_ms() -> float:
    done = subprocess.run([sys.executable, "-c", BARE_LOOP], capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure() -> list[Row]:
    rows = []
    for rate_per_s, reach_ms in REACH_MS.items():
        found, bare = [], []
        for _ in range(ROUNDS):
            bare.append(bare_p99_ms())
            with run(f"load.rate_per_s={rate_per_s}", "load.duration_s=5") as done:
                found.append(done.manifest["self_checks"]["generator"]["lateness_p99_ns"] / 1e6)
        note = f"median of {ROUNDS} runs of 5 s, {min(found):.2f}…{max(found):.2f}"
        what = f"lateness p99, sqlite, {rate_per_s // 1000}k/s"
        rows.append(Row.at_most(f"p99_{rate_per_s}", what, median(found), "ms", reach_ms, note))
        bare_note = f"a loop that only sleeps, just before each run, {min(bare):.2f}…{max(bare):.2f}"
        rows.append(Row(f"bare_p99_{rate_per_s}", "the host's own", median(bare), "ms", note=bare_note))
    return rows
