"""A grid of windows stands once on the terminal, and by itself in the other formats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ingestexp.report.__main__ import main
from tests.report.evidence import passing
from tests.report.sweeps import Cell, write_sweep

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_it_stands_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [
        Cell(passing, f"{size} × {wait:g} ms", "tune peak", window=(size, wait))
        for size in (8, 16)
        for wait in (1.0, 5.0)
    ]
    experiment = {"name": "x", "question": "Is it?", "tables": ["window_grid"], "acceptance": []}
    folder = write_sweep(tmp_path / "sweep", cells, experiment=experiment)
    main(["show", str(folder)])
    shown = capsys.readouterr().out
    assert len([line for line in shown.splitlines() if line.startswith(" tune peak 16 × 5 ms")]) == 1
    assert "window_grid: its 4 rows stand above" in shown
    main(["show", str(folder), "--format", "json"])
    tables = [row["table"] for row in json.loads(capsys.readouterr().out)]
    assert tables.count("window_grid") == tables.count("variants") == 4
