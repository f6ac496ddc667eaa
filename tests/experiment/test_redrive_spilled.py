"""What a run that was killed with -9 left in its spill, taken up by `redrive.from=`: once, with its own due times."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.adapters.spill.recovery import recovered_items
from ingestexp.experiment.compose import plan
from ingestexp.experiment.preflight import preflight
from ingestexp.report.evidence import check_run
from tests.experiment.redrives import (
    ask,
    committed,
    dead,
    facts,
    killed_after,
    offending,
    redriven,
    run,
    stored,
)

if TYPE_CHECKING:
    from pathlib import Path

CAPACITY = 500
SPILLING = (
    "policy=spill",
    f"policy.capacity={CAPACITY}",
    "load.rate_per_s=40000",
    "load.duration_s=1",
    "window.max_size=4",
    "on_failure=report_items",
)
AT_WRITE = ("load.rate_per_s=400000", "load.duration_s=0.1", "fault=[kill,poison]", "fault.kill.after_writes=600")
"""All of it is offered before any disk has made 600 commits."""
BAD = [20, 300, 2200, 12_000, 15_000]
"""Two that are parked before the kill, three on disk at it."""
POISON = ("fault.poison.kinds=[not_json]", f"fault.poison.positions={BAD}")
TAKEN_UP = ("redrive.rate_per_s=100000", "on_failure=report_items", "load.rate_per_s=500")
KILLS = 4


def left(origin: Path) -> list[int]:
    return [
        item
        for each in recovered_items(origin / "spill")
        for item in range(each.first, each.first + len(each.payloads))
    ]


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())}


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A run that killed itself at its 600th write, with the disk full of items and a few dead letters."""
    origin = tmp_path / "origin"
    assert not killed_after(origin, 60.0, *SPILLING, *AT_WRITE, *POISON)
    assert check_run(origin)[1] == "crashed"
    assert len(left(origin)) > 4 * CAPACITY
    return origin


def test_what_was_left_in_the_spill_comes_to_the_store_once(killed: Path, tmp_path: Path) -> None:
    spilled, before, parked, done = set(left(killed)), files(killed / "spill"), dead(killed), stored(killed)
    last = redriven(tmp_path / "last", killed, *TAKEN_UP)
    assert offending(last) == {}
    assert spilled | parked <= stored(killed) | dead(last)
    assert not stored(killed) & dead(last)
    assert {item for item in dead(last) if item in spilled | parked} == set(BAD) & (spilled | parked)
    assert done <= stored(killed)
    about = facts(last)["redrive"]
    assert about["left_in_spill"] == len(spilled - parked)
    assert about["dead_letters"] == len(parked)
    assert about["already_there"] == len(spilled & done)
    assert about["torn_bytes"] == 0
    assert files(killed / "spill") == before, "the folder is as it was"

    again = redriven(tmp_path / "again", killed, *TAKEN_UP)
    assert facts(again)["redrive"]["cured"] == 0, "all of it is there, but what the sink refuses"
    assert committed(again) & spilled == set()
    assert dead(again) == dead(last)


def test_they_keep_their_due_times_and_no_round_is_counted(killed: Path, tmp_path: Path) -> None:
    zero_ns = round(facts(killed)["load_started_at_s"] * 1e9)
    due: dict[int, Any] = {}
    for each in recovered_items(killed / "spill"):
        assert each.due_ns is not None
        due |= dict(
            zip(range(each.first, each.first + len(each.payloads)), (each.due_ns + zero_ns).tolist(), strict=True)
        )
    parked = dead(killed)
    last = redriven(tmp_path / "last", killed, *TAKEN_UP, "redrive.max_rounds=1")
    rows = ask(
        last,
        "SELECT item_id, epoch_ns(first_arrival_at), redrive_round, was_spilled, plan FROM redriven ORDER BY item_id",
    )
    assert {item for item, *_ in rows} == set(due) | parked
    for item, arrived_ns, rounds, was_spilled, _ in rows:
        assert was_spilled == (item not in parked)
        assert rounds == (0 if was_spilled else 1)
        if was_spilled:
            assert arrived_ns == due[item]
    later = ask(
        last, "SELECT max(settled_at_ns - intended_at_ns) / 1e9 FROM redriven_items WHERE outcome = 'committed'"
    )
    assert later[0][0] > 0.5, "seconds: the time on disk and until the redrive counts"
    once_more = redriven(tmp_path / "once_more", last, *TAKEN_UP, "redrive.max_rounds=1")
    rows = ask(once_more, "SELECT item_id, plan, redrive_round FROM redriven")
    assert {item for item, *_ in rows} == dead(last)
    for item, planned, rounds in rows:
        assert (planned, rounds) == (("rounds_exhausted", 1) if item in parked else ("offered", 1))


def test_a_torn_tail_was_never_taken_in_and_is_told(killed: Path, tmp_path: Path) -> None:
    segment = sorted((killed / "spill").glob("*.spill"))[-1]
    spilled = left(killed)
    whole = segment.read_bytes()
    segment.write_bytes(whole + whole[-40:])
    last = redriven(tmp_path / "last", killed, *TAKEN_UP)
    assert facts(last)["redrive"]["torn_bytes"] == 40
    assert facts(last)["redrive"]["left_in_spill"] == len(set(spilled) - dead(killed))
    assert segment.stat().st_size == len(whole) + 40


def test_damage_is_refused_before_anything_is_sent(killed: Path) -> None:
    segment = sorted((killed / "spill").glob("*.spill"))[0]
    content = bytearray(segment.read_bytes())
    content[len(content) // 3] ^= 255
    segment.write_bytes(content)
    (mistake,) = preflight(plan([f"redrive.from={killed}"]).configs[0])
    assert mistake.key == "redrive.from"
    assert "can't be read" in mistake.why
    assert segment.name in mistake.why


def test_a_redrive_of_it_that_is_killed_is_started_again(killed: Path, tmp_path: Path) -> None:
    spilled, parked = set(left(killed)), dead(killed)
    first = tmp_path / "first"
    kill = ("fault=[kill]", "fault.kill.after_writes=20", "window.max_size=64")
    assert not killed_after(first, 60.0, f"redrive.from={killed}", *TAKEN_UP, *kill)
    assert check_run(first)[1] == "crashed"
    there = stored(killed)
    last = redriven(tmp_path / "last", killed, *TAKEN_UP)
    assert offending(last) == {}
    assert spilled | parked <= stored(killed) | dead(last)
    assert not committed(last) & there


def test_a_run_with_neither_has_nothing_to_redrive(tmp_path: Path) -> None:
    """A spill that was read to its end is no folder any more."""
    origin = run(tmp_path / "origin", "policy=spill", "policy.capacity=200", "window.max_size=8")
    (mistake,) = preflight(plan([f"redrive.from={origin}"]).configs[0])
    assert "no dead letters and nothing left in a spill" in mistake.why


def spills_killed_at_random(folder: Path, kills: int, seed: int) -> dict[str, int]:
    """Runs killed at random moments while they spill, and a redrive of each: what was lost, and what came twice.

    Raises AssertionError where evidence can't be read.
    """
    rng = random.Random(seed)
    found = dict.fromkeys(
        ("killed", "spilling", "left", "lost", "acknowledged_and_lost", "both", "committed_again", "gap"), 0
    )
    for number in range(kills):
        origin = folder / f"run-{number}"
        found["killed"] += killed_after(origin, rng.uniform(0.05, 1.2), *SPILLING)
        if not (origin / "sink.sqlite").is_file():
            continue
        assert check_run(origin)[1] in ("crashed", "completed", "running")
        assert ask(origin, "SELECT count(*) FROM items") is not None
        spilled = set(left(origin)) if (origin / "spill").is_dir() else set()
        done, acknowledged = stored(origin), committed(origin)
        found["spilling"] += bool(spilled)
        found["left"] += len(spilled - done)
        found["acknowledged_and_lost"] += len(acknowledged - done)
        known = spilled | done
        # First in, first out: only what was in memory, before the disk, may be missing below the last known id.
        found["gap"] = max(found["gap"], len(set(range(max(known, default=0))) - known))
        if not spilled:
            continue
        last = redriven(folder / f"taken-up-{number}", origin, *TAKEN_UP)
        assert offending(last) == {}
        found["lost"] += len(known - stored(origin))
        found["both"] += len(stored(origin) & dead(last))
        found["committed_again"] += len(committed(last) & done)
    return found


def test_runs_killed_at_random_while_they_spill_lose_nothing_of_it(tmp_path: Path) -> None:
    found = spills_killed_at_random(tmp_path, KILLS, 5)
    assert found["killed"] >= KILLS // 2
    assert found["left"] > 0
    zero = ("lost", "acknowledged_and_lost", "both", "committed_again")
    assert {name: found[name] for name in zero} == dict.fromkeys(zero, 0)
    assert found["gap"] <= CAPACITY + 256, "what waited in memory, and a block on its way to the disk"
