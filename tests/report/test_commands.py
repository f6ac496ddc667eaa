"""`report list`, `sql` and `compare`: what they show, and clear words where they can't."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ingestexp.report.__main__ import main
from ingestexp.report.record import record_verdict
from tests.report.evidence import failing, manifest, paced_rows, passing, write_run
from tests.report.sweeps import Cell, write_sweep

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


def test_list_names_status_verdict_and_what_differs(tmp_path: Path, capsys: Capture) -> None:
    config = manifest([])["config"] | {"window": {"max_size": 7, "max_wait_ms": 5.0, "max_bytes": None}}
    record_verdict(passing(tmp_path / "day" / "old", config=config, started_at="2026-01-01T00:00:00+00:00"))
    failing(tmp_path / "day" / "dead", status="running", started_at="2026-01-02T00:00:00+00:00")
    write_sweep(
        tmp_path / "day" / "many", [Cell(passing, "a"), Cell(None, "b")], started_at="2026-01-03T00:00:00+00:00"
    )
    assert main(["list", "--runs", str(tmp_path), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["folder"].rpartition("/")[2] for row in rows] == ["many", "dead", "old"]  # newest first
    assert [row["status"] for row in rows] == ["completed 1/2", "crashed", "completed"]
    assert rows[2]["verdict"] == "PASS"
    assert "window.max_size=7" in rows[2]["differs"]


def test_list_of_nothing_is_said(tmp_path: Path, capsys: Capture) -> None:
    assert main(["list", "--runs", str(tmp_path)]) == 2
    assert "no run and no sweep there" in capsys.readouterr().err


def test_sql_answers_over_runs_and_sweeps(tmp_path: Path, capsys: Capture) -> None:
    passing(tmp_path / "one")
    sweep = write_sweep(tmp_path / "many", [Cell(passing, "a"), Cell(passing, "b")])
    query = "SELECT run, count(*) AS item_count FROM items GROUP BY run ORDER BY run"
    assert main(["sql", query, "--runs", str(tmp_path / "one"), str(sweep), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["item_count"] for row in rows] == [10_000] * 3
    assert rows[0]["run"] == str(tmp_path / "one")


def test_bad_sql_is_one_sentence(tmp_path: Path, capsys: Capture) -> None:
    assert main(["sql", "SELECT nothing FROM nowhere", "--runs", str(passing(tmp_path / "one"))]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_compare_pairs_items_of_the_same_arrivals(tmp_path: Path, capsys: Capture) -> None:
    fast = write_run(tmp_path / "fast", *paced_rows(10_000, lambda _: 2.0))
    slow = write_run(tmp_path / "slow", *paced_rows(10_000, lambda _: 5.0))
    assert main(["compare", str(fast), str(slow), "--format", "json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["p99 ms"]["B−A"] == pytest.approx(3.0, abs=0.01)
    assert rows["p99 ms"]["from"] <= 3.0 <= rows["p99 ms"]["to"] + 0.01
    assert rows["mean service ms"]["B−A"] == pytest.approx(3.0)
    assert rows["mean queue ms"]["B−A"] == pytest.approx(0.0)
    assert main(["compare", str(fast), str(slow)]) == 0
    assert "9,000 items paired by id: 100.0% slower in B" in capsys.readouterr().out


def test_other_arrivals_are_not_paired(tmp_path: Path, capsys: Capture) -> None:
    one = passing(tmp_path / "one")
    other = write_run(tmp_path / "other", *paced_rows(10_000, lambda _: 2.0, gap_ms=0.4))
    empty = write_run(tmp_path / "empty", [])
    assert main(["compare", str(one), str(other)]) == 2
    assert "did not see the same arrivals" in capsys.readouterr().err
    assert main(["compare", str(empty), str(empty)]) == 2
    assert main(["compare", str(one), str(tmp_path / "nowhere")]) == 2
