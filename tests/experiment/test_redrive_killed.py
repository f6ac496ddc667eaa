"""kill -9 in the middle of a redrive, at random moments, and the same command again: nothing lost, nothing twice."""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING

from ingestexp.report.evidence import check_run
from tests.experiment.redrives import (
    FIXED,
    NOT_JSON,
    TOO_NEW,
    ask,
    committed,
    dead,
    facts,
    ingested,
    killed_after,
    offending,
    offered,
    redriven,
    start,
    stored,
)

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 10
LONGEST_S = 0.9
SLOWLY = (*FIXED, "redrive.rate_per_s=5")


def redrive_killed_at_random(folder: Path, kills: int, seed: int) -> dict[str, int]:
    """Ingest, so many redrives killed at random moments, one that comes to its end: what was lost, and what came twice.

    Raises AssertionError where evidence can't be read.
    """
    rng = random.Random(seed)
    origin = ingested(folder / "origin")
    acknowledged, done_before = committed(origin), stored(origin)
    killed = cured_by_killed = 0
    for number in range(kills):
        run_dir = folder / f"killed-{number}"
        delay_s = rng.uniform(0, LONGEST_S)
        killed += killed_after(run_dir, delay_s, f"redrive.from={origin}", *SLOWLY)
        if (run_dir / "manifest.json").is_file() and (run_dir / "manifest.json").stat().st_size:
            assert check_run(run_dir)[1] in ("crashed", "completed")
            assert ask(run_dir, "SELECT count(*) FROM items") is not None
            acknowledged |= committed(run_dir)
        cured_by_killed = len(stored(origin) & TOO_NEW)
        assert stored(origin) >= done_before
        done_before = stored(origin)
    last = redriven(folder / "last", origin, *FIXED)
    assert offending(last) == {}
    held = stored(origin)
    everything = offered(origin) | offered(last) | acknowledged
    return {
        "killed": killed,
        "cured_before_the_end": cured_by_killed,
        "lost": len(everything - held - dead(last)),
        "acknowledged_and_lost": len(acknowledged - held),
        "cured": len(held & TOO_NEW),
        "both": len(held & dead(last)),
        "committed_again": len(committed(last) & done_before),
        "repeated": facts(last)["self_checks"]["ledger"]["repeated_ids"],
        "dead": len(dead(last) ^ NOT_JSON),
    }


def test_a_redrive_that_is_killed_and_started_again_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    found = redrive_killed_at_random(tmp_path, KILLS, 11)
    assert found["killed"] > KILLS // 2
    assert found["cured"] == len(TOO_NEW)
    zero = ("lost", "acknowledged_and_lost", "both", "committed_again", "repeated", "dead")
    assert {name: found[name] for name in zero} == dict.fromkeys(zero, 0)


def test_a_redrive_that_kills_itself_leaves_the_last_batch_durable_and_the_rest_to_the_next(tmp_path: Path) -> None:
    """fault=[kill]: the batch is in the store and nobody was told; the next one finds it there and does not send it."""
    origin = ingested(tmp_path / "origin")
    killed = tmp_path / "killed"
    kill = ("fault=[kill]", "fault.kill.after_writes=12", "redrive.rate_per_s=40")
    assert not killed_after(killed, 30.0, f"redrive.from={origin}", *FIXED, *kill)
    assert facts(killed)["status"] == "running"
    assert check_run(killed)[1] == "crashed"
    there = stored(origin) & TOO_NEW
    last = redriven(tmp_path / "last", origin, *FIXED)
    assert facts(last)["redrive"]["already_there"] == len(there)
    assert facts(last)["redrive"]["cured"] == len(TOO_NEW - there)
    assert facts(last)["base_id"] == facts(killed)["base_id"] + 1_000_000_000
    assert (stored(origin) & (NOT_JSON | TOO_NEW), dead(last)) == (TOO_NEW, NOT_JSON)


def test_what_an_interrupted_redrive_did_not_offer_stays_where_it_came_from(tmp_path: Path) -> None:
    """Ctrl-C: the ledger is whole, what was left over is unsettled, and the same command again does the rest."""
    origin = ingested(tmp_path / "origin")
    folder = tmp_path / "stopped"
    slowly = ("load.duration_s=30", "load.rate_per_s=100", "redrive.rate_per_s=2")
    with start(folder, f"redrive.from={origin}", *FIXED, *slowly) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while not list((folder / "samples").glob("[0-9]*[1-9].parquet")):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert facts(folder)["status"] == "interrupted"
    assert offending(folder) == {}
    about = facts(folder)["redrive"]
    assert about["cured"] + about["dead_again"] + about["unsettled"] == 10
    last = redriven(tmp_path / "last", origin, *FIXED)
    assert dead(last) == NOT_JSON
    assert stored(origin) >= TOO_NEW
