"""Each audit of `analysis/audits`: silent on sound evidence, and the offending rows on a defect put there.

Must live here: defects made by hand. Must not: what the summary says of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from tests.analysis.test_tables import ask, picked
from tests.report.evidence import MS, SCHEMAS, paced_rows, table_of, write_run

if TYPE_CHECKING:
    from pathlib import Path

AUDITS = (
    "conservation",
    "stages_monotone",
    "batches_match_items",
    "no_double_settle",
    "readback_matches",
    "littles_law",
)
Row = dict[str, Any]


@pytest.mark.parametrize("audit", AUDITS)
def test_sound_evidence_offends_none(tmp_path: Path, audit: str) -> None:
    run = write_run(tmp_path / "run", *paced_rows(1000, lambda _: 2.0))
    assert ask(run, f"audits/{audit}.sql") == []
    assert ask(write_run(tmp_path / "empty", []), f"audits/{audit}.sql") == []
    assert ask(tmp_path / "nothing", f"audits/{audit}.sql") == []


def conservation(tmp_path: Path, items: list[Row], offered: int) -> list[tuple[Any, ...]]:
    counters = {"offered": offered, "committed": len(items), "dropped": 0, "dead_lettered": 0, "unsettled": 0}
    found = ask(write_run(tmp_path / "run", items, counters=counters), "audits/conservation.sql")
    return picked(found, "problem", "first_item_id", "expected", "found")


def test_a_missing_id(tmp_path: Path) -> None:
    items, _ = paced_rows(200, lambda _: 2.0)
    del items[70]
    assert conservation(tmp_path, items, 200) == [("missing id", 64, 64, 63)]


def test_a_long_gap_and_a_missing_end(tmp_path: Path) -> None:
    items, _ = paced_rows(400, lambda _: 2.0)
    kept = items[:64] + items[256:320]
    assert conservation(tmp_path, kept, 400) == [("missing id", 64, 192, 0), ("missing id", 320, 80, 0)]


def test_all_ids_missing(tmp_path: Path) -> None:
    assert conservation(tmp_path, [], 100) == [("missing id", 0, 100, 0)]


def test_a_repeated_id(tmp_path: Path) -> None:
    items, _ = paced_rows(100, lambda _: 2.0)
    assert conservation(tmp_path, [*items, items[5]], 100) == [("repeated id", 0, 64, 65)]


def test_an_id_that_was_never_offered(tmp_path: Path) -> None:
    items, _ = paced_rows(100, lambda _: 2.0)
    assert conservation(tmp_path, items, 99) == [("id beyond the offered", 64, 35, 36)]


def test_outcomes_that_the_manifest_did_not_count(tmp_path: Path) -> None:
    items, batches = paced_rows(100, lambda _: 2.0)
    counters = {"offered": 100, "committed": 98, "dropped": 2, "dead_lettered": 0, "unsettled": 0}
    found = ask(write_run(tmp_path / "run", items, batches, counters=counters), "audits/conservation.sql")
    assert {row[:1] + row[1:] for row in picked(found, "outcome", "expected", "found")} == {
        ("committed", 98, 100),
        ("dropped", 2, 0),
    }


def test_an_unsettled_item_with_a_settling_instant(tmp_path: Path) -> None:
    items, batches = paced_rows(100, lambda _: 2.0)
    items[9]["outcome"] = "unsettled"
    found = ask(write_run(tmp_path / "run", items, batches), "audits/conservation.sql")
    assert picked(found, "problem", "first_item_id") == [("settling instant contradicts the outcome", 9)]


@pytest.mark.parametrize(
    "column", ["offered_at_ns", "admitted_at_ns", "first_sent_at_ns", "sent_at_ns", "settled_at_ns"]
)
def test_a_stage_before_the_one_it_follows(tmp_path: Path, column: str) -> None:
    items, _ = paced_rows(100, lambda _: 2.0, lateness_ms=1.0)
    items[50][column] = items[50]["intended_at_ns"] - MS
    found = ask(write_run(tmp_path / "run", items), "audits/stages_monotone.sql")
    assert picked(found, "item_id") == [(50,)]


def test_the_offer_comes_first_where_admission_is_the_intention(tmp_path: Path) -> None:
    items, _ = paced_rows(100, lambda _: 2.0)
    for row in items:
        row["offered_at_ns"] -= 1
    load = {"phases": ["saturate"], "saturate": True}
    assert ask(write_run(tmp_path / "capacity", items, load=load), "audits/stages_monotone.sql") == []
    assert len(ask(write_run(tmp_path / "open_loop", items), "audits/stages_monotone.sql")) == 100


def test_stages_that_were_not_reached_do_not_hide_disorder(tmp_path: Path) -> None:
    items, _ = paced_rows(100, lambda _: 2.0)
    items[3].update(offered_at_ns=None, admitted_at_ns=None, first_sent_at_ns=None, sent_at_ns=None)
    items[3]["settled_at_ns"] = items[3]["intended_at_ns"] - 1
    items[4].update(offered_at_ns=None, admitted_at_ns=None)
    assert picked(ask(write_run(tmp_path / "run", items), "audits/stages_monotone.sql"), "item_id") == [(3,)]


@pytest.mark.parametrize(
    ("defect", "problem"),
    [
        (lambda items, batches: items[15].update(batch_id=77), "items name a batch that has no row"),
        (lambda items, batches: batches[1].update(item_count=9), "committed batch and its items differ in number"),
        (lambda items, batches: batches[1].update(outcome="failed"), "items committed by a batch that was not"),
        (lambda items, batches: batches[1].update(outcome="partial"), "partial batch without a refused item"),
        (lambda items, batches: batches[1].update(settled_at_ns=1), "items and batch differ in their settling instant"),
    ],
)
def test_tables_that_contradict_each_other(tmp_path: Path, defect: Any, problem: str) -> None:
    items, batches = paced_rows(100, lambda _: 2.0)
    defect(items, batches)
    found = ask(write_run(tmp_path / "run", items, batches), "audits/batches_match_items.sql")
    assert problem in [row["problem"] for row in found]


def test_an_item_that_was_settled_twice(tmp_path: Path) -> None:
    items, _ = paced_rows(100, lambda _: 2.0)
    parked = {**items[7], "outcome": "dead_lettered", "settled_at_ns": items[7]["settled_at_ns"] + MS}
    open_still = {**items[8], "outcome": "unsettled", "settled_at_ns": None}
    found = ask(write_run(tmp_path / "run", [*items, parked, open_still]), "audits/no_double_settle.sql")
    assert picked(found, "item_id", "settle_count", "outcomes") == [(7, 2, ["committed", "dead_lettered"])]
    many = ask(
        write_run(tmp_path / "many", [*items, *items, *paced_rows(200, lambda _: 2.0)[0]]),
        "audits/no_double_settle.sql",
    )
    assert len(many) == 100


SOUND: Row = {"ok": True, "held": 100, "committed": 100, "missing": 0, "unsettled_but_held": 0, "foreign": 0}


@pytest.mark.parametrize(
    ("readback", "problems"),
    [
        (None, []),
        (SOUND | {"held": 103, "unsettled_but_held": 3}, []),
        (SOUND | {"ok": False, "held": 98, "missing": 2}, ["the sink lacks committed items"]),
        (
            SOUND | {"ok": False, "held": 99, "missing": 2, "foreign": 1},
            ["the sink holds what was not committed", "the sink lacks committed items"],
        ),
        (
            SOUND | {"held": 99, "committed": 99},
            ["the trace has another number of committed items than was read back against"],
        ),
        (SOUND | {"held": 101}, ["the read-back's own numbers don't add up"]),
        ({"ok": False, "error": "locked"}, ["the sink can't be read back: locked"]),
        (SOUND | {"ok": False}, ["the read-back failed"]),
    ],
)
def test_what_was_read_back(tmp_path: Path, readback: Row | None, problems: list[str]) -> None:
    run = write_run(tmp_path / "run", paced_rows(100, lambda _: 2.0)[0], self_checks={"readback": readback})
    assert [row["problem"] for row in ask(run, "audits/readback_matches.sql")] == problems


def sampled(folder: Path, depth_factor: float, on_disk: int = 0) -> Path:
    """An item a ms that stays 50 ms in the queue and leaves in pairs, sampled every 10 ms; `on_disk` lie on disk."""
    items, batches = paced_rows(1000, lambda _: 1.0, gap_ms=1.0, batch_size=2, queue_ms=lambda _: 50.0)
    run = write_run(folder, items, batches)
    depths = [
        sum(row["admitted_at_ns"] <= at * MS < row["first_sent_at_ns"] for row in items) for at in range(0, 1000, 10)
    ]
    zero = {column.name: 0 for column in SCHEMAS["samples"]}
    rows = [
        {
            **zero,
            "at_ns": 10 * k * MS,
            "depth_items": round(depth * depth_factor) - min(on_disk, depth),
            "spilled": min(on_disk, depth),
        }
        for k, depth in enumerate(depths)
    ]
    pq.write_table(table_of(rows, SCHEMAS["samples"]), run / "samples" / "000001.parquet")
    return run


def test_samples_and_items_tell_of_the_same_queue(tmp_path: Path) -> None:
    assert ask(sampled(tmp_path / "sound", 1.0), "audits/littles_law.sql") == []
    assert ask(sampled(tmp_path / "spilling", 1.0, on_disk=30), "audits/littles_law.sql") == []
    (found,) = ask(sampled(tmp_path / "off", 1.2), "audits/littles_law.sql")
    assert found["rate_times_stay"] == pytest.approx(49, rel=0.02)
    assert found["mean_depth"] == pytest.approx(59, rel=0.02)
    assert found["admitted_per_s"] * found["mean_stay_ms"] / 1000 == pytest.approx(found["rate_times_stay"])
