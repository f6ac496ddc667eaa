"""A redrive killed with -9 at 50 random moments, each time started again: lost, twice, evidence that can't be read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from tests.benchmarks.rows import Row
from tests.experiment.test_redrive_killed import redrive_killed_at_random

TIMEOUT_S: Final = 600.0
KILLS: Final = 50


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="redrive-kills-") as folder:
        found = redrive_killed_at_random(Path(folder), KILLS, seed=50)  # unreadable evidence raises
    lost = found["lost"] + found["acknowledged_and_lost"] + found["dead"]
    twice = found["both"] + found["committed_again"] + found["repeated"]
    return [
        Row.at_least("killed", "redrives killed with -9 in the middle", found["killed"], "kills", KILLS * 0.5),
        Row.at_most("lost", "items lost", lost, "items", 0, f"{KILLS} redrives of 10 dead letters into one store"),
        Row.at_most("twice", "items twice", twice, "items", 0),
    ]
