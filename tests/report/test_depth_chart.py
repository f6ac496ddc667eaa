"""Terminal pictures: the queue's depth over a run's time, and how the chosen window fills at peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.report import depth_chart
from ingestexp.report.__main__ import main
from ingestexp.report.depth_chart import BINS, BLOCKS, Depth, depth_lines
from ingestexp.report.summary import print_summary
from ingestexp.report.window_choice import WindowChoice
from tests.report.evidence import MS, SECOND, growing, item, paced_rows, passing, write_run, write_samples
from tests.report.sweeps import Cell, write_sweep

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


def depth_line(capsys: Capture, run: Path) -> str:
    print_summary(run)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("depth ")]
    return line


def test_a_growing_queue_is_seen_to_grow(tmp_path: Path, capsys: Capture) -> None:
    line = depth_line(capsys, growing(tmp_path / "run"))
    bars = [BLOCKS.index(sign) for sign in line if sign in BLOCKS]
    assert len(bars) == BINS
    assert bars[0] == 0
    assert bars[-8] == len(BLOCKS) - 1
    assert bars[: BINS // 2] == sorted(bars[: BINS // 2])
    assert "peak " in line
    assert len(line) <= 88


def test_a_burst_is_where_it_was(tmp_path: Path, capsys: Capture) -> None:
    """300 items wait from 1.0 to 1.1 s of 4 s; nothing waits else."""
    items = [
        item(
            n, SECOND, offered_at_ns=SECOND, admitted_at_ns=SECOND, settled_at_ns=1100 * MS, first_sent_at_ns=1100 * MS
        )
        for n in range(300)
    ]
    line = depth_line(capsys, write_run(tmp_path / "run", items, ended_at_ns=4 * SECOND))
    assert "peak 300 items at 1 s" in line
    assert line.index(BLOCKS[-1]) - len("depth     ") == pytest.approx(BINS // 4, abs=1)
    assert line.count(BLOCKS[-1]) <= 2


def test_of_very_many_items_the_samples_are_asked(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth_chart, "MOST_ITEMS", 100)
    run = passing(tmp_path / "run")
    write_samples(run, [{"at_ns": n * 100 * MS, "depth_items": 50 if n == 25 else 2} for n in range(50)])
    assert "peak 50 items at 2.5 s by samples" in depth_line(capsys, run)


def test_where_nothing_waited_there_is_no_line(tmp_path: Path, capsys: Capture) -> None:
    print_summary(write_run(tmp_path / "run", []))
    assert "\ndepth " not in capsys.readouterr().out
    assert depth_lines(None) == []


def test_what_is_there_is_seen() -> None:
    (line,) = depth_lines(Depth([0, 1, 1000], 1000, 5.0, False))
    assert line.plain.startswith(" ▁█")


def test_the_chosen_windows_batches_at_peak(tmp_path: Path, capsys: Capture) -> None:
    def filling(folder: Path, **changes: Any) -> Path:
        return write_run(folder, *paced_rows(10_000, lambda _: 2.0, batch_size=10), **changes)

    choice = WindowChoice("10 x 5", 10, 5.0, 0.02, 2, 4, ("tune peak",), 200.0).facts()
    stages = [{"name": f"validate {load}", "frozen_rates": {}, "decided": choice} for load in ("peak", "low")]

    def slower(folder: Path, **changes: Any) -> Path:
        return write_run(folder, *paced_rows(2000, lambda _: 2.0, batch_size=1, gap_ms=2.5), **changes)

    cells = [Cell(filling, "chosen", "validate peak", k) for k in range(2)] + [Cell(slower, "chosen", "validate low")]
    main(["show", str(write_sweep(tmp_path / "sweep", cells, stages=stages))])
    shown = capsys.readouterr().out
    assert "batches of the chosen window at validate peak (2,000 items/s, 2 runs)" in shown
    assert "max_size 10" in shown
    full = next(line for line in shown.splitlines() if line.lstrip().startswith("max_size 10"))
    assert "2,000" in full
    assert "█" in full
