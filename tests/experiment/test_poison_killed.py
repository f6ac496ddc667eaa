"""kill -9 in the middle of a poisoned run, at random moments: what was acknowledged stands, nothing bad got in."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from ingestexp.report.evidence import check_run
from tests.experiment.redrives import ask, committed, dead, facts, killed_after, stored

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 6
LONGEST_S = 2.2
POISONED = (
    "fault=[poison]",
    "fault.poison.rate=0.002",
    "on_failure=split_and_retry",
    "window.max_size=64",
    "load.rate_per_s=20000",
    "load.duration_s=30",
)


def poison_killed_at_random(folder: Path, kills: int, seed: int) -> dict[str, int]:
    """Runs with poison in them, each killed at a random moment. Raises AssertionError where evidence can't be read.

    lost: committed by the trace, but not in the store. let_in: dead letters that the store holds. twice: ids that the
    trace settles twice. Ids in the store that no closed part has yet are no loss: their rows were still open.
    """
    rng = random.Random(seed)
    found = dict.fromkeys(("killed", "lost", "let_in", "twice", "committed", "dead"), 0)
    for number in range(kills):
        run_dir = folder / f"killed-{number}"
        found["killed"] += killed_after(run_dir, rng.uniform(0.1, LONGEST_S), *POISONED)
        if not (run_dir / "manifest.json").is_file() or not (run_dir / "sink.sqlite").is_file():
            continue  # killed before its first write
        assert facts(run_dir)["status"] == "running"
        assert check_run(run_dir)[1] == "crashed"
        acknowledged, held, parked = committed(run_dir), stored(run_dir), dead(run_dir)
        found["lost"] += len(acknowledged - held)
        found["let_in"] += len(parked & held)
        found["twice"] += len(ask(run_dir, "SELECT item_id FROM items GROUP BY item_id HAVING count(*) > 1"))
        found["twice"] += len(acknowledged & parked)
        found["committed"] += len(held)
        found["dead"] += len(parked)
    return found


def test_a_poisoned_run_that_is_killed_has_lost_nothing_acknowledged_and_let_nothing_in(tmp_path: Path) -> None:
    found = poison_killed_at_random(tmp_path, KILLS, 7)
    assert found["killed"] == KILLS
    assert found["committed"] > 0
    assert (found["lost"], found["let_in"], found["twice"]) == (0, 0, 0)
