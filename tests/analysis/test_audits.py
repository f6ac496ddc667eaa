"""Each audit of `analysis/audits`: silent on sound evidence, and the offending rows on a defect put there.

Must live here: defects made by hand. Must not: what the summary says of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.analysis.test_tables import ask, picked
from tests.report.evidence import MS, paced_rows, write_run

if TYPE_CHECKING:
    from pathlib import Path

AUDITS = ("conservation", "stages_monotone", "batches_match_items")
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
