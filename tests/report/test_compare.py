"""`report compare`: what is no number has no interval, parts sum to their whole, tails have their own blame."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.report.__main__ import main
from ingestexp.report.paired_parts import PARTS
from tests.report.evidence import SECOND, growing, item, paced_rows, passing, write_run

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]
Row = dict[str, Any]


def compared(capsys: Capture, a: Path, b: Path) -> tuple[dict[str, Row], str]:
    """The rows by what they say, and the text."""
    assert main(["compare", str(a), str(b), "--format", "json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert main(["compare", str(a), str(b)]) == 0
    return rows, capsys.readouterr().out


def test_a_percentile_that_grows_is_a_bound_without_an_interval(tmp_path: Path, capsys: Capture) -> None:
    rows, text = compared(capsys, growing(tmp_path / "a"), passing(tmp_path / "b"))
    p99 = rows["p99 ms"]
    assert (p99["B−A"], p99["from"], p99["to"]) == (None, None, None)
    assert (p99["A_growing"], p99["B_growing"]) == (True, False)
    line = next(line for line in text.splitlines() if line.startswith(" p99 ms"))
    assert "≥ " in line
    assert ", growing" in line


def test_unsettled_items_below_a_percentile_leave_a_bound(tmp_path: Path, capsys: Capture) -> None:
    items, batches = paced_rows(4000, lambda _: 2.0)
    for row in items[-200:]:
        row.update(outcome="unsettled", reason="queued", settled_at_ns=None, sent_at_ns=None, first_sent_at_ns=None)
    whole = write_run(tmp_path / "whole", *paced_rows(4000, lambda _: 2.0))
    rows, text = compared(capsys, whole, write_run(tmp_path / "cut", items, batches, ended_at_ns=2 * SECOND + 1))
    assert rows["p99 ms"]["B_is_least"]
    assert rows["p99 ms"]["from"] is None
    assert "growing" not in next(line for line in text.splitlines() if line.startswith(" p99 ms"))


def test_parts_sum_to_the_difference_that_is_stated(tmp_path: Path, capsys: Capture) -> None:
    items, batches = paced_rows(10_000, lambda _: 2.0, queue_ms=lambda number: number % 7)
    lost = [row | {"outcome": "dropped", "reason": "overflow_newest"} for row in items[5000:5500]]
    for row in lost:
        row.update(dict.fromkeys(("settled_at_ns", "sent_at_ns", "first_sent_at_ns", "batch_id")))
    a = write_run(tmp_path / "a", *paced_rows(10_000, lambda number: 1.0 + number % 3))
    b = write_run(tmp_path / "b", items[:5000] + lost + items[5500:], batches)
    rows, text = compared(capsys, a, b)
    for what in ("mean", "tail mean"):
        for side in ("A", "B", "B−A"):
            parts = sum(rows[f"{what} {part} ms"][side] for part in PARTS)
            assert parts == pytest.approx(rows[f"{what} response ms"][side]), (what, side)
    stated = float(text.partition(" ms on average")[0].rpartition(", ")[2])
    assert rows["mean response ms"]["B−A"] == pytest.approx(stated, rel=0.01)


def test_the_tail_has_the_blame_of_the_tail(tmp_path: Path, capsys: Capture) -> None:
    """One batch in fifty of B waits 60 ms for a worker: the mean hardly sees it, the tail is nothing else."""
    a = write_run(tmp_path / "a", *paced_rows(10_000, lambda _: 2.0))
    waits = paced_rows(10_000, lambda _: 2.0, queue_ms=lambda number: 60.0 if number % 50 == 7 else 0.0)
    rows, _ = compared(capsys, a, write_run(tmp_path / "b", *waits))
    assert rows["mean queue ms"]["B−A"] == pytest.approx(1.2, abs=0.1)
    assert rows["tail mean queue ms"]["B−A"] == pytest.approx(60.0, abs=0.1)
    assert rows["tail mean service ms"]["B−A"] == pytest.approx(0.0)


def test_a_capacity_run_has_no_intended_arrivals(tmp_path: Path, capsys: Capture) -> None:
    load = {"phases": ["saturate"], "duration_ns": SECOND, "expected_items": None, "saturate": True}
    a, b = (write_run(tmp_path / name, [item(0, at)], load=load) for name, at in (("a", 0), ("b", 5)))
    open_load = passing(tmp_path / "open")
    for pair in ((a, b), (a, open_load), (open_load, b)):
        assert main(["compare", *map(str, pair)]) == 2
        error = capsys.readouterr().err
        assert "no intended arrivals" in error
        assert "same arrivals" not in error
