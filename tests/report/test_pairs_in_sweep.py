"""What a variant does to the first of its stage, by pairs of one seed: intervals, slopes, the model's prediction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.report.__main__ import main
from ingestexp.report.change_lines import change_lines
from ingestexp.report.pairing import Change, grid_point
from ingestexp.report.sweep_report import open_sweep
from tests.report.evidence import SECOND, growing, paced_rows, passing, write_run
from tests.report.sweeps import Cell, write_sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


def served_in(service_ms: float, size: int = 10) -> Callable[..., Path]:
    """A writer of runs whose batches take that long, a tenth of them twice as long."""

    def write(folder: Path, **changes: Any) -> Path:
        items, batches = paced_rows(
            4000, lambda number: service_ms * (2 if number % 10 == 7 else 1), batch_size=size, gap_ms=1.0
        )
        return write_run(folder, items, batches, **changes)

    return write


def saturating(batch_ms: Callable[[int], float], size: int) -> Callable[..., Path]:
    """A writer of capacity runs of one second: batches one after the other."""

    def write(folder: Path, **changes: Any) -> Path:
        per_batch = batch_ms(size)
        count = int(1000 / per_batch) * size
        items, batches = paced_rows(count, lambda _: per_batch, batch_size=size, gap_ms=per_batch / size)
        load = {"phases": ["saturate"], "duration_ns": SECOND, "expected_items": None, "saturate": True}
        slo = {"percentile": 99.0, "bound_ms": 50.0, "warmup_s": 0.0, "confidence": 0.95}
        return write_run(folder, items, batches, **{"load": load, "slo": slo, "load_ended_at_ns": SECOND, **changes})

    return write


def changes(tmp_path: Path, *cells: Cell) -> list[Change]:
    return open_sweep(write_sweep(tmp_path / "sweep", list(cells))).changes


def test_the_price_is_a_paired_difference_with_its_interval(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(served_in(ms), name, "price", k) for k in range(3) for name, ms in (("a", 2.0), ("b", 5.0))]
    (change,) = changes(tmp_path, *cells)
    assert len(change.pairs) == 3
    p50, p99 = change.percentiles
    for each, delta in ((p50, 3.0), (p99, 6.0)):
        assert each.delta_ms == pytest.approx(delta, rel=0.01)
        assert each.interval_ms is not None
        assert each.interval_ms.low <= delta + 0.05
        assert each.interval_ms.high >= delta - 0.05
    assert change.slopes is not None
    assert not any(slope.growing_count for slope in change.slopes)
    assert main(["show", str(tmp_path / "sweep")]) == 0
    shown = capsys.readouterr().out.splitlines()
    about = [line for line in shown if line.startswith("    p99 ")]
    assert about[0].startswith("    p99       12.0 → 18.0 ms, Δ +6.00 [")
    assert about[0].endswith("] ms over 3 pairs")
    assert all(len(line) <= 80 for line in shown if line.startswith(("    p", "    backlog")))


def test_a_growing_side_has_a_slope_and_no_difference(tmp_path: Path) -> None:
    cells = [Cell(growing, "per_item", "same load"), Cell(passing, "batched", "same load")]
    (change,) = changes(tmp_path, *cells)
    assert all(each.delta_ms is None and each.interval_ms is None for each in change.percentiles)
    assert change.slopes is not None
    assert change.slopes[0].mean > 100
    assert (change.slopes[0].growing_count, change.slopes[1].growing_count) == (1, 0)
    text = "\n".join(line.plain for line in change_lines([change]))
    assert "growing, → " in text
    assert "items/s, grows in 1 of 1 runs" in text
    assert "items/s, steady" in text


def test_at_saturation_the_models_prediction_stands_beside_the_measured_ratio(tmp_path: Path) -> None:
    def cost_ms(size: int) -> float:
        return 5.0 + 0.05 * size

    cells = [
        Cell(saturating(cost_ms, size), name, "capacity", k, window=(size, 5.0))
        for k in range(3)
        for name, size in (("small", 1), ("middle", 10), ("large", 50))
    ]
    small_to_middle, small_to_large = changes(tmp_path, *cells)
    assert small_to_middle.predicted_ratio is None  # the model's prediction is of the smallest and the largest window
    assert small_to_large.predicted_ratio == pytest.approx(50 * 5.05 / 7.5, rel=0.01)
    assert small_to_large.rate_ratio == pytest.approx(50 * 5.05 / 7.5, rel=0.05)
    assert small_to_large.rate_interval is not None
    text = "\n".join(line.plain for line in change_lines([small_to_large]))
    assert "the cost model predicts × 33.7, measured × 33." in text


def test_other_arrivals_are_no_pair(tmp_path: Path) -> None:
    def sparser(folder: Path, **more: Any) -> Path:
        return write_run(folder, *paced_rows(4000, lambda _: 2.0, gap_ms=1.1), **more)

    (change,) = changes(tmp_path, Cell(served_in(2.0), "a"), Cell(sparser, "b"))
    assert change.percentiles == []
    assert "did not see the same arrivals" in change.note


def test_variants_are_compared_within_a_grid_point(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(passing, f"{name} sink.workers={k}", "load") for name in ("a", "b") for k in (1, 2)]
    found = changes(tmp_path, *cells)
    assert [(each.first.variant, each.second.variant) for each in found] == [
        ("a sink.workers=1", "b sink.workers=1"),
        ("a sink.workers=2", "b sink.workers=2"),
    ]
    main(["show", str(tmp_path / "sweep")])
    shown = capsys.readouterr().out
    assert "load, sink.workers=1: a → b: committed/s" in shown
    assert "load, sink.workers=2: a → b: committed/s" in shown


@pytest.mark.parametrize(
    ("label", "point"),
    [
        ("per_item", ""),
        ("8 × 5 ms", ""),
        ("batched seed=3 sink.workers=2", "seed=3 sink.workers=2"),
        ("window.max_size=1", ""),
        ("window.max_size=1 seed=3", "seed=3"),
    ],
)
def test_the_grids_part_of_a_label(label: str, point: str) -> None:
    assert grid_point(label) == point


def test_other_formats_have_the_comparison_too(tmp_path: Path, capsys: Capture) -> None:
    folder = write_sweep(tmp_path / "sweep", [Cell(served_in(2.0), "a"), Cell(served_in(5.0), "b")])
    main(["show", str(folder), "--format", "json"])
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["table"] == "comparison"]
    assert row["p50_delta_ms"] == pytest.approx(3.0, rel=0.01)
    assert row["p50_delta_ms_low"] <= row["p50_delta_ms"] <= row["p50_delta_ms_high"]
