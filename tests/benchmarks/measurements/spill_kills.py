"""Runs killed with -9 at 50 random moments while they spill, and a redrive of each: lost, twice, unreadable."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from tests.benchmarks.rows import Row
from tests.experiment.test_redrive_spilled import CAPACITY, spills_killed_at_random

TIMEOUT_S: Final = 900.0
KILLS: Final = 50


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="spill-kills-") as folder:
        found = spills_killed_at_random(Path(folder), KILLS, seed=50)  # unreadable evidence raises
    lost = found["lost"] + found["acknowledged_and_lost"]
    twice = found["both"] + found["committed_again"]
    what = f"{found['left']:,} items were on disk and not in the store"
    return [
        Row.at_least("spilling", "runs killed with -9 while they spilled", found["spilling"], "kills", KILLS * 0.5),
        Row.at_most("lost", "items lost that were committed or on disk", lost, "items", 0, what),
        Row.at_most("twice", "items twice", twice, "items", 0),
        Row.at_most("memory", "items lost that waited in memory, most of a run", found["gap"], "items", CAPACITY + 256),
    ]
