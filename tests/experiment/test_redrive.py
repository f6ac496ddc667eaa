"""Dead letters redriven into the store that they were meant for: cured once, back again, never lost, never for ever."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from tests.experiment.redrives import (
    FIXED,
    NOT_JSON,
    SHORT,
    TOO_NEW,
    ask,
    dead,
    facts,
    ingested,
    offending,
    offered,
    redriven,
    run,
    stored,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(the ingest, its redrive after the fix)."""
    folder = tmp_path_factory.mktemp("fixed")
    origin = ingested(folder / "origin")
    return origin, redriven(folder / "redrive", origin, *FIXED)


def test_the_cured_are_in_the_store_and_the_still_invalid_are_back_in_the_dead_letters(
    fixed: tuple[Path, Path],
) -> None:
    origin, redrive = fixed
    assert dead(origin) == NOT_JSON | TOO_NEW
    assert dead(redrive) == NOT_JSON
    assert stored(origin) == (offered(origin) | offered(redrive)) - NOT_JSON
    assert stored(origin) >= TOO_NEW
    assert not (redrive / "sink.sqlite").exists()


def test_the_ledger_and_every_audit_hold_for_a_redrive(fixed: tuple[Path, Path]) -> None:
    for folder in fixed:
        assert offending(folder) == {}
    checks = facts(fixed[1])["self_checks"]
    assert checks["ledger"]["balanced"]
    assert checks["readback"]["ok"]
    assert checks["readback"]["held_before"] == checks["readback"]["held"] - checks["ledger"]["committed"]


def test_the_manifest_counts_what_became_of_them_and_the_load_has_ids_above_all_others(
    fixed: tuple[Path, Path],
) -> None:
    origin, redrive = fixed
    about, base_id = facts(redrive)["redrive"], facts(redrive)["base_id"]
    counts = ("dead_letters", "offered", "cured", "dead_again", "already_there", "rounds_exhausted", "unsettled")
    assert [about[name] for name in counts] == [10, 10, 5, 5, 0, 0, 0]
    assert base_id == facts(origin)["counters"]["offered"]
    load = facts(redrive)["counters"]["offered"] - 10
    assert ask(redrive, "SELECT min(item_id), max(item_id), count(*) FROM items WHERE redrive_round = 0") == [
        (base_id, base_id + load - 1, load)
    ]


def test_latency_counts_from_the_first_arrival_and_is_kept_out_of_the_loads(fixed: tuple[Path, Path]) -> None:
    origin, redrive = fixed
    came = dict(ask(origin, "SELECT item_id, epoch_ns(first_arrival_at) FROM dead_letters"))
    again = dict(ask(redrive, "SELECT item_id, epoch_ns(first_arrival_at) FROM dead_letters"))
    assert again == {item_id: came[item_id] for item_id in NOT_JSON}
    zero_unix_ns = facts(redrive)["load_started_at_s"] * 1e9
    for item_id, intended_ns in ask(redrive, "SELECT item_id, intended_at_ns FROM items WHERE redrive_round = 1"):
        assert intended_ns < 0
        assert zero_unix_ns + intended_ns == pytest.approx(came[item_id], abs=1000)
    (slowest_s,) = ask(redrive, "SELECT max(response_ns) / 1e9 FROM responses")[0]
    (away_s,) = ask(redrive, "SELECT min(settled_at_ns - intended_at_ns) / 1e9 FROM items WHERE redrive_round = 1")[0]
    assert slowest_s < away_s


def test_marks_name_the_run_they_first_came_to_and_the_round(fixed: tuple[Path, Path], tmp_path: Path) -> None:
    _, redrive = fixed
    marks = "SELECT DISTINCT origin_run, redrive_round FROM {} WHERE redrive_round > 0"
    assert ask(redrive, marks.format("items")) == [("origin", 1)]
    assert ask(redrive, marks.format("dead_letters")) == [("origin", 1)]
    second = redriven(tmp_path / "second", redrive, *FIXED)
    assert ask(second, marks.format("dead_letters")) == [("origin", 2)]
    assert offending(second) == {}


def test_the_same_redrive_once_more_sends_nothing_that_is_there(fixed: tuple[Path, Path], tmp_path: Path) -> None:
    origin, _ = fixed
    before = stored(origin)
    second = redriven(tmp_path / "second", origin, *FIXED)
    about = facts(second)["redrive"]
    assert (about["already_there"], about["offered"], about["cured"], about["dead_again"]) == (5, 5, 0, 5)
    assert offered(second) & TOO_NEW == set()
    assert stored(origin) >= before
    assert offending(second) == {}


def test_without_a_fix_all_go_back_and_the_guard_ends_it(tmp_path: Path) -> None:
    """Round by round until redrive.max_rounds, and then nothing is sent: no endless loop, and nothing lost."""
    origin = ingested(tmp_path / "origin")
    for number in (1, 2):
        name, before = tmp_path / f"round-{number}", tmp_path / (f"round-{number - 1}" if number > 1 else "origin")
        again = redriven(name, before, "on_failure=report_items", "redrive.rate_per_s=500", "redrive.max_rounds=2")
        assert dead(again) == NOT_JSON | TOO_NEW
        assert ask(again, "SELECT DISTINCT reason, redrive_round FROM dead_letters") == [("rejected", number)]
    guarded = redriven(tmp_path / "guarded", again, "redrive.max_rounds=2")
    said = "SELECT DISTINCT reason, error, redrive_round, attempt_count, batch_id, lineage FROM dead_letters"
    assert ask(guarded, said) == [("redrive_rounds", "redriven 2 times, redrive.max_rounds=2", 2, 0, None, [])]
    assert dead(guarded) == NOT_JSON | TOO_NEW
    assert facts(guarded)["redrive"]["rounds_exhausted"] == 10
    assert ask(guarded, "SELECT count(*) FROM items WHERE redrive_round > 0 AND sent_at_ns IS NOT NULL") == [(0,)]
    assert offending(guarded) == {}
    more = redriven(tmp_path / "more", guarded, *FIXED)  # whoever allows more rounds gets on
    assert dead(more) == NOT_JSON
    assert stored(origin) >= TOO_NEW


def test_a_dead_letter_keeps_the_batches_it_was_sent_in(tmp_path: Path) -> None:
    """A bisect's chain: each is the parent of the next, and the last one is the batch that was given up."""
    folder = ingested(tmp_path / "origin", "on_failure=split_and_retry", "window.max_wait_ms=20")
    parents = dict(ask(folder, "SELECT batch_id, parent_batch_id FROM batches"))
    letters = ask(folder, "SELECT lineage, batch_id FROM dead_letters")
    assert max(len(lineage) for lineage, _ in letters) > 3
    for lineage, batch_id in letters:
        assert lineage[-1] == batch_id
        assert [parents[each] for each in lineage] == [None, *lineage[:-1]]


def test_a_log_is_gone_on_with(tmp_path: Path) -> None:
    """It refuses nothing, so its dead letters are what an outage left: all are cured, the log's torn tail is cut."""
    outage = ("fault=[outage]", "fault.outage.at_s=0.1", "fault.outage.for_s=0.1", "on_failure.max_attempts=1")
    origin = run(tmp_path / "origin", "sink=log_file", *outage)
    lost = dead(origin)
    assert len(lost) > 100
    with (origin / "sink.log").open("ab") as log:
        log.write(b"\x10\0\0\0torn")
    again = redriven(tmp_path / "again", origin, "sink=log_file", "redrive.rate_per_s=5000")
    assert facts(again)["redrive"]["cured"] == len(lost)
    assert offending(again) == {}


def test_dead_letters_of_an_older_run_lack_the_new_columns(tmp_path: Path) -> None:
    origin = ingested(tmp_path / "origin")
    came = dict(ask(origin, "SELECT item_id, epoch_ns(first_arrival_at) FROM dead_letters"))
    for part in (origin / "dead_letters").glob("*.parquet"):
        table = pq.read_table(part)
        new = ["first_arrival_at", "lineage", "origin_run", "redrive_round"]
        pq.write_table(table.drop_columns(new), part)
    assert ask(origin, "SELECT DISTINCT first_arrival_at, lineage FROM dead_letters") == [(None, None)]
    again = redriven(tmp_path / "again", origin, *FIXED)
    assert dead(again) == NOT_JSON
    found = dict(ask(again, "SELECT item_id, epoch_ns(first_arrival_at) FROM dead_letters"))
    assert found == pytest.approx({item_id: came[item_id] for item_id in NOT_JSON}, abs=1000)


def test_what_a_run_without_a_redrive_leaves_is_as_it_was(tmp_path: Path) -> None:
    folder = run(tmp_path / "plain", *SHORT)
    assert "redrive" not in facts(folder)
    assert not {"redriven", "held_before"} & {path.name for path in folder.iterdir()}
    assert ask(folder, "SELECT base_id FROM runs") == [(0,)]


def test_one_redrive_at_a_time_goes_into_a_store(fixed: tuple[Path, Path], tmp_path: Path) -> None:
    from ingestexp.experiment.id_claim import IDS_A_RUN, IdClaim

    origin, _ = fixed
    other = IdClaim(origin / "sink.sqlite")
    other.lock()
    first = other.take(0)
    assert first % IDS_A_RUN == facts(origin)["counters"]["offered"] % IDS_A_RUN
    refused = run(tmp_path / "refused", f"redrive.from={origin}", *FIXED, status="failed")
    assert "another redrive into sink.sqlite is going on" in facts(refused)["status_reason"]
    other.release()


def test_of_a_run_that_was_killed_the_rows_say_which_ids_are_taken(tmp_path: Path) -> None:
    """Its manifest has no counters; ids that it dropped stand in its rows alone."""
    origin = ingested(tmp_path / "origin")
    killed = facts(origin)
    for key in ("counters", "load_started_at_s", "self_checks"):
        del killed[key]
    (origin / "manifest.json").write_text(json.dumps(killed | {"status": "running", "pid": 2**22 + 1}))
    (last,) = ask(origin, "SELECT max(item_id) FROM items")[0]
    with sqlite3.connect(origin / "sink.sqlite") as store:
        store.execute("DELETE FROM items WHERE item_id > 950")
    again = redriven(tmp_path / "again", origin, *FIXED)
    assert facts(again)["base_id"] == last + 1
    assert dead(again) == NOT_JSON
