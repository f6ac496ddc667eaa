"""The lag over time of a sweep's variants: one line each, on one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.report.depth_chart import BLOCKS
from ingestexp.report.lag_chart import lag_lines
from ingestexp.report.sweep_report import print_sweep
from tests.report.evidence import growing, passing
from tests.report.sweeps import Cell, write_sweep

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

EXPERIMENT = {"name": "x", "question": "", "tables": ["lag_over_time"], "acceptance": []}


def test_flat_and_spiral_are_told_apart_at_a_glance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`growing` ends with 4,445 of 10,000 items behind; the worse of the two repeats stands for its variant."""
    cells = [Cell(passing, "flat"), Cell(passing, "spiral"), Cell(growing, "spiral", repeat=1)]
    print_sweep(write_sweep(tmp_path / "sweep", cells, experiment=EXPERIMENT))
    lines = capsys.readouterr().out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("lag over time"))
    assert "█ 4,4" in lines[at]
    flat, spiral = ([BLOCKS.index(sign) for sign in line if sign in BLOCKS] for line in lines[at + 1 : at + 3])
    assert lines[at + 1].startswith(" flat   ")
    assert lines[at + 2].startswith(" spiral ")
    assert len(flat) == len(spiral) == 40
    assert set(flat) == {0}
    assert spiral == sorted(spiral)
    assert spiral[-1] == len(BLOCKS) - 1
    assert not any("at_ms" in line for line in lines)
    assert max(map(len, lines[at : at + 3])) <= 120


def test_nothing_is_drawn_of_nothing() -> None:
    assert lag_lines([], []) == []
