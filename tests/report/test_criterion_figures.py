"""Criteria that ask "does it?" show what was measured: with unit, interval and bound, as numbers in other formats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.report.__main__ import main
from tests.report.evidence import failing, growing, inconclusive, passing
from tests.report.sweeps import Cell, criterion, write_sweep

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]
Row = dict[str, Any]


def accepted(tmp_path: Path, capsys: Capture, cells: list[Cell], asked: Row) -> tuple[Row, str]:
    """The criterion's row as JSON, and its line in the table."""
    folder = write_sweep(tmp_path / "sweep", cells, [asked])
    main(["accept", str(folder), "--format", "json"])
    (row,) = json.loads(capsys.readouterr().out)
    main(["accept", str(folder)])
    lines = capsys.readouterr().out.splitlines()
    return row, next(line for line in lines if asked["query"] in line)


def test_the_worst_p99_against_the_slo(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(passing, "batched", "same load"), Cell(failing, "batched", "same load", 1)]
    row, line = accepted(tmp_path, capsys, cells, criterion("batched_keeps_slo", at_least=1))
    assert row["verdict"] == "FAIL"
    assert row["figure"] == pytest.approx(84.5, abs=2)
    assert row["low"] <= row["figure"] <= row["high"]
    assert (row["unit"], row["at_least"], row["at_most"]) == ("ms", None, 50.0)
    assert " ms " in line
    assert "≤ 50 ms" in line


def test_a_p99_that_grows_has_no_interval(tmp_path: Path, capsys: Capture) -> None:
    row, line = accepted(tmp_path, capsys, [Cell(growing, "batched", "same load")], criterion("keeps_slo", at_least=1))
    assert (row["low"], row["high"], row["figure_is_least"]) == (None, None, True)
    assert "≥ " in line


def test_a_backlog_is_a_slope(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(growing, "per_item", "same load", k) for k in range(2)]
    row, line = accepted(tmp_path, capsys, cells, criterion("per_item_backlog_grows", at_least=1))
    assert row["unit"] == "items/s"
    assert row["figure"] > 100
    assert row["low"] <= row["figure"] <= row["high"]
    assert "items/s" in line
    assert "grows" in line


def test_what_ought_to_break_is_measured_from_the_other_side(tmp_path: Path, capsys: Capture) -> None:
    asked = criterion("window_size_only_stalls", at_least=1)
    row, line = accepted(tmp_path, capsys, [Cell(failing, "size_only", "contrast low")], asked)
    assert (row["verdict"], row["at_least"], row["at_most"]) == ("PASS", 50.0, None)
    assert "> 50 ms" in line


def test_other_figures_stay_as_they_were_judged(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(passing, name, "same load", k) for name in ("per_item", "batched") for k in range(3)]
    row, line = accepted(tmp_path, capsys, cells, criterion("commits_per_item_ratio", "ratio", at_least=0.5))
    assert (row["figure"], row["low"], row["high"]) == pytest.approx((1.0, 1.0, 1.0))
    assert (row["at_least"], row["at_most"], row["unit"]) == (0.5, None, "×")
    assert "× 1 " in line


def test_one_run_over_the_bound_settles_it_whatever_an_undecided_one_says(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(inconclusive, "batched", "same load"), Cell(failing, "batched", "same load", 1)]
    row, _ = accepted(tmp_path, capsys, cells, criterion("batched_keeps_slo", at_least=1))
    assert (row["verdict"], row["reason"]) == ("FAIL", "1 of 1 do not hold, 1 undecided")
