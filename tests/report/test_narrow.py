"""A sweep on 80 columns: nothing that matters is lost, and what is said of other formats is true."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from ingestexp.report.__main__ import main
from ingestexp.report.sheet import print_table
from ingestexp.report.sweep_report import print_sweep
from tests.report.evidence import failing, growing, passing
from tests.report.sweeps import Cell, criterion, write_sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Capture = pytest.CaptureFixture[str]
COLUMNS = ("verdict", "p99", "committed", "batch", "commits", "fsyncs", "offered", "syscalls")


def narrow(width: int = 80) -> Console:
    return Console(width=width, color_system=None, force_terminal=False, file=io.StringIO(), highlight=False)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def counting(write: Callable[..., Path]) -> Callable[..., Path]:
    """The same run with all its counters."""

    def counted(folder: Path, **changes: Any) -> Path:
        spent = dict.fromkeys(("batches", "commits", "fsyncs"), 1000)
        counters = {"offered": 10_000, "committed": 10_000, "syscalls": 3000, **spent}
        return write(folder, counters=counters, **changes)

    return counted


def tuned(tmp_path: Path) -> Path:
    cells = [
        Cell(counting(growing), "per_item", "the same load", 0),
        Cell(counting(passing), "batched", "the same load", 0),
        Cell(counting(failing), "batched", "near the limit", 0),
    ]
    experiment = {"name": "x", "question": "Is it?", "tables": ["cost_model", "before_after"], "acceptance": []}
    return write_sweep(tmp_path / "sweep", cells, experiment=experiment)


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_every_column_is_there(tmp_path: Path, width: int) -> None:
    console = narrow(width)
    print_sweep(tuned(tmp_path), console)
    text = text_of(console)
    head = text[: text.index("the same load: per_item")]
    assert all(column in head for column in COLUMNS), head
    assert "not shown for want of width" not in text
    table = text[text.index("cost_model") :]
    assert "speedup" in table
    assert "lack" in table


def test_the_most_telling_columns_come_first(tmp_path: Path) -> None:
    console = narrow()
    print_sweep(tuned(tmp_path), console)
    first = text_of(console).split("─\n")[0]
    assert all(column in first for column in ("verdict", "p50", "p99", "committed")), first


def test_each_part_of_a_split_table_names_its_rows() -> None:
    console = narrow(40)
    rows = [{"who": name, **{f"figure_{n}": 1000 + n for n in range(12)}} for name in ("ann", "bob")]
    print_table(console, list(rows[0]), rows, "split", 1)
    text = text_of(console)
    assert text.count("ann") == text.count("bob") > 1
    assert all(f"{1000 + n:,}" in text for n in range(12))
    assert max(map(len, text.splitlines())) <= 40


def test_without_names_what_is_left_out_is_named() -> None:
    console = narrow(40)
    rows = [{f"figure_{n}": 1000 + n for n in range(12)}] * 2
    print_table(console, list(rows[0]), rows)
    assert "figure_11 (--format csv has them)" in " ".join(text_of(console).split())


@pytest.mark.parametrize("style", ["json", "csv", "markdown"])
def test_other_formats_have_the_experiments_tables(tmp_path: Path, capsys: Capture, style: str) -> None:
    main(["show", str(tuned(tmp_path)), "--format", style])
    text = capsys.readouterr().out
    if style == "json":
        rows = json.loads(text)
        names = list(dict.fromkeys(row["table"] for row in rows))
        assert names == ["variants", "comparison", "cost_model", "before_after"]
        assert "predicted_speedup" in next(row for row in rows if row["table"] == "cost_model")
    elif style == "csv":
        parts = [list(csv.DictReader(io.StringIO(part))) for part in text.split("\n\n")]
        assert [part[0]["table"] for part in parts] == ["variants", "comparison", "cost_model", "before_after"]
        assert "predicted_speedup" in parts[2][0]
    else:
        assert "**cost_model**\n\n| sink |" in text
        assert "predicted_speedup" in text


def test_criteria_are_a_table_of_the_other_formats_as_well(tmp_path: Path, capsys: Capture) -> None:
    folder = write_sweep(
        tmp_path / "sweep", [Cell(passing, "batched", "same load")], [criterion("batched_keeps_slo", at_least=1)]
    )
    main(["show", str(folder), "--format", "json"])
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["table"] == "acceptance"]
    assert row["verdict"] == "PASS"
