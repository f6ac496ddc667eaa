"""Runs of an older schema are said to be: in a run's summary, a sweep's comparison, beside any SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from ingestexp.report.__main__ import main
from tests.report.evidence import passing
from tests.report.sweeps import Cell, criterion, write_sweep

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]
LACKING = ("phase", "origin_run")


def old(folder: Path, version: int = 0, lacking: tuple[str, ...] = LACKING, **changes: Any) -> Path:
    """A run without some columns of its items."""
    run = passing(folder, **{**changes, "schema_version": version})
    for part in sorted((run / "items").glob("*.parquet")):
        table = pq.read_table(part)
        pq.write_table(table.drop_columns(list(lacking)) if lacking else table, part)
    return run


NOTE = "has schema version 0: columns items.origin_run, items.phase read as NULL"


def test_in_a_sweeps_comparison(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(old, "batched", "same load"), Cell(passing, "batched", "same load", 1)]
    folder = write_sweep(tmp_path / "sweep", cells, [criterion("batched_keeps_slo", at_least=1)])
    main(["show", str(folder)])
    assert f"1 run (0000-abcdef) {NOTE}" in capsys.readouterr().out
    main(["accept", str(folder)])
    assert NOTE in capsys.readouterr().out


def test_in_a_runs_summary_and_beside_sql(tmp_path: Path, capsys: Capture) -> None:
    run = old(tmp_path / "run")
    main(["show", str(run)])
    assert NOTE in capsys.readouterr().out
    main(["sql", "SELECT count(phase) AS n FROM items", "--runs", str(run), "--format", "csv"])
    said = capsys.readouterr()
    assert said.out == "n\n0\n", "not among the rows"
    assert NOTE in said.err


def test_an_old_version_with_all_columns_and_a_lack_within_the_version(tmp_path: Path, capsys: Capture) -> None:
    main(["show", str(old(tmp_path / "a", lacking=()))])
    assert "1 run (a) has schema version 0, this is 1" in capsys.readouterr().out
    main(["show", str(old(tmp_path / "b", version=1, lacking=("phase",)))])
    assert "1 run (b) has schema version 1: column items.phase reads as NULL" in capsys.readouterr().out


def test_nothing_is_said_of_the_same(tmp_path: Path, capsys: Capture) -> None:
    main(["show", str(passing(tmp_path / "run"))])
    assert "schema" not in capsys.readouterr().out
