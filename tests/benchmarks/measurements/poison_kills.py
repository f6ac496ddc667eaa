"""A poisoned run killed with -9 at 50 random moments: lost, let in, twice; evidence that can't be read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from tests.benchmarks.rows import Row
from tests.experiment.test_poison_killed import poison_killed_at_random

TIMEOUT_S: Final = 600.0
KILLS: Final = 50


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="poison-kills-") as folder:
        found = poison_killed_at_random(Path(folder), KILLS, seed=50)  # unreadable evidence raises
    note = f"{found['committed']:,} in the stores, {found['dead']:,} dead letters read"
    return [
        Row.at_least("killed", "poisoned runs killed with -9", found["killed"], "kills", KILLS, note),
        Row.at_most("lost", "acknowledged items lost", found["lost"], "items", 0),
        Row.at_most("twice", "items twice, or let in though dead", found["twice"] + found["let_in"], "items", 0),
    ]
