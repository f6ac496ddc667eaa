"""Runs at the edges: empty, one item, all lost, all open, capacity runs, runs that did not end well.

Must live here: that the summary is sensible for each. Must not: the usual runs (`test_summary`).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.report.evidence import MS, SECOND, item, paced_rows, passing, write_run
from tests.report.test_summary import line_of, text_of

if TYPE_CHECKING:
    from pathlib import Path


def test_an_empty_run_is_told_as_one(tmp_path: Path) -> None:
    text = text_of(write_run(tmp_path / "run", [], ended_at_ns=0, load_ended_at_ns=0), 1)
    assert "offered 0" in text
    assert "no batch was sent" in text
    assert "INCONCLUSIVE" in text


def test_one_item_is_shown_and_too_few(tmp_path: Path) -> None:
    text = text_of(write_run(tmp_path / "run", *paced_rows(1, lambda _: 2.0)), 1)
    assert "1 items, warm-up included" in text
    assert "nothing to judge" in text


def test_few_items_after_the_warm_up_are_too_few(tmp_path: Path) -> None:
    text = text_of(write_run(tmp_path / "run", *paced_rows(1_100, lambda _: 2.0)), 1)
    assert "a p99 needs at least 299 (199 more)" in text
    assert "load.duration_s=" in line_of(text, "next")


def test_all_dropped(tmp_path: Path) -> None:
    rows = [
        item(i, i * MS, outcome="dropped", reason="overflow_newest", offered_at_ns=i * MS, settled_at_ns=i * MS)
        for i in range(1000)
    ]
    text = text_of(write_run(tmp_path / "run", rows), 1)
    assert "dropped 1,000 (100%)" in text
    assert "dropped overflow_newest 1,000" in text
    assert "there is no latency" in text


def test_drops_are_infinitely_late_beside_the_verdict(tmp_path: Path) -> None:
    items, batches = paced_rows(10_000, lambda _: 2.0)
    lost = item(10_000, 2 * SECOND, outcome="dropped", reason="overflow_newest", settled_at_ns=2 * SECOND)
    items += [{**lost, "item_id": 10_000 + i} for i in range(200)]
    text = text_of(write_run(tmp_path / "run", items, batches), 0)
    assert "200 dropped or dead-lettered items are not in it; with those as infinitely late p99 is ∞ ms" in text


def test_all_unsettled(tmp_path: Path) -> None:
    rows = [
        item(
            i,
            i * MS,
            outcome="unsettled",
            reason="queued",
            offered_at_ns=i * MS,
            admitted_at_ns=i * MS,
            attempt_count=0,
        )
        for i in range(2000)
    ]
    text = text_of(write_run(tmp_path / "run", rows, ended_at_ns=12 * SECOND), 1)
    assert "unsettled 2,000 (100%)" in text
    assert re.search(r"response\s+≥ [\d,]+", text)
    assert "verdict   FAIL" in text


def test_a_capacity_run_has_neither_response_nor_verdict(tmp_path: Path) -> None:
    load = {"phases": ["saturate"], "saturate": True, "duration_ns": 0, "expected_items": 10}
    text = text_of(write_run(tmp_path / "run", *paced_rows(1_000, lambda _: 2.0), load=load), 0)
    assert "verdict   none: a capacity run" in text
    assert "settled - sent" in text
    assert "settled - intended" not in text


def test_an_interrupted_run_is_judged_and_says_so(tmp_path: Path) -> None:
    text = text_of(passing(tmp_path / "run", status="interrupted", status_reason="Ctrl-C"), 0)
    assert "INTERRUPTED: Ctrl-C" in text
    assert "judged by what is there" in text


def test_a_failed_run_is_invalid(tmp_path: Path) -> None:
    text = text_of(passing(tmp_path / "run", status="failed", status_reason="disk full"), 1)
    assert "INVALID" in text
    assert "disk full" in text


def test_a_sink_that_cannot_be_read_back_makes_it_invalid_and_says_why(tmp_path: Path) -> None:
    run = passing(tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["self_checks"]["readback"] = {"ok": False, "error": "no such table: items"}
    (run / "manifest.json").write_text(json.dumps(manifest))
    text = text_of(run, 1)
    assert "CAN'T BE READ BACK: no such table: items" in text
    assert "INVALID" in text
