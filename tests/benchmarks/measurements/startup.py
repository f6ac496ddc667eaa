"""Start-up: `--cfg job`, and from `python -m ingestexp` to the first item offered."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median
from typing import Final

from tests.benchmarks.harness import ROOT
from tests.benchmarks.product import run
from tests.benchmarks.rows import Row

ROUNDS: Final = 7


def measure() -> list[Row]:
    config_s, first_item_s = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ingestexp", "--cfg", "job"], cwd=ROOT, capture_output=True, check=True)
        config_s.append(time.perf_counter() - started)
        with run("load.duration_s=0.2") as done:
            first_ns = done.table("items", "offered_at_ns")["offered_at_ns"][0].as_py()
            first_item_s.append(done.manifest["load_started_at_s"] + first_ns / 1e9 - done.spawned_at_s)
    spread = f"median of {ROUNDS}, {min(config_s):.2f}…{max(config_s):.2f}"
    return [
        Row.at_most("config_s", "--cfg job", median(config_s), "s", 1.0, spread),
        Row.at_most(
            "first_item_s",
            "to the first item offered",
            median(first_item_s),
            "s",
            1.5,
            f"median of {ROUNDS}, {min(first_item_s):.2f}…{max(first_item_s):.2f}",
        ),
    ]
