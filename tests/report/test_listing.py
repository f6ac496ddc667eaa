"""`report list`: a single run has its verdict and headline figures, and what differs is never left out."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from ingestexp.report.__main__ import main
from ingestexp.report.listing import rows
from ingestexp.report.listing_sheet import print_list
from ingestexp.report.record import FILE_NAME, record_verdict
from ingestexp.report.summary import print_summary
from tests.report.evidence import SECOND, failing, growing, item, manifest, passing, write_run
from tests.report.sweeps import Cell, write_sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Capture = pytest.CaptureFixture[str]
SATURATE = {"phases": ["saturate"], "duration_ns": SECOND, "expected_items": None, "saturate": True}


def capacity(folder: Path) -> Path:
    return write_run(folder, [item(0, 0)], load=SATURATE)


def only_warmup(folder: Path) -> Path:
    """Its one item is due before the warm-up's end."""
    return write_run(folder, [item(0, 0, settled_at_ns=1000)])


@pytest.mark.parametrize("write", [passing, failing, growing, capacity, only_warmup])
def test_a_runs_summary_records_the_verdict_that_a_sweep_would(
    tmp_path: Path, capsys: Capture, write: Callable[[Path], Path]
) -> None:
    run = write(tmp_path / "run")
    print_summary(run)
    recorded = json.loads((run / FILE_NAME).read_text())
    record_verdict(run)
    assert recorded == json.loads((run / FILE_NAME).read_text())


def test_a_recorded_verdict_stands(tmp_path: Path, capsys: Capture) -> None:
    run = passing(tmp_path / "run")
    (run / FILE_NAME).write_text('{"result": "FAIL"}')
    print_summary(run)
    assert json.loads((run / FILE_NAME).read_text()) == {"result": "FAIL"}


def test_the_list_shows_verdict_and_figures_of_a_single_run(tmp_path: Path, capsys: Capture) -> None:
    print_summary(passing(tmp_path / "day" / "run"))
    capsys.readouterr()
    main(["list", "--runs", str(tmp_path), "--format", "json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert row["verdict"] == "PASS"
    assert row["p99_ms"] == pytest.approx(6.5)
    assert row["committed_per_s"] == pytest.approx(2000, rel=0.01)


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_with_a_sweep_in_it_every_column_is_there(tmp_path: Path, width: int) -> None:
    day = tmp_path / "2026-01-01"
    config: dict[str, Any] = manifest([])["config"] | {"window": {"max_size": 7, "max_wait_ms": 5.0}}
    record_verdict(passing(day / "21-00-00-0123456789ab", config=config))
    cells = [Cell(passing, "per_item"), Cell(failing, "batched"), Cell(growing, "batched", repeat=1)]
    folder = write_sweep(day / "21-59-15-before_after-90c203", cells, started_at="2026-01-03T00:00:00+00:00")
    main(["show", str(folder)])
    out = Console(width=width, color_system=None, force_terminal=False, file=io.StringIO(), highlight=False)
    print_list(out, rows(str(tmp_path)), str(tmp_path))
    assert isinstance(out.file, io.StringIO)
    text = out.file.getvalue()
    assert "not shown" not in text
    for words in ("window.max_size=7", "sweep: per_item", "FAIL 2 of 3", "3/3", "6.5", "21-59-15-before_after-90c203"):
        assert words in text, text
    assert max(len(line.rstrip()) for line in text.splitlines()[1:]) <= width
