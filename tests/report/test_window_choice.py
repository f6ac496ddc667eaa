"""Which window is chosen, what is written about it, how it reads elsewhere, and the pictures of a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]

from ingestexp.experiment.sweep_folder import read_sweep
from ingestexp.report.__main__ import main
from ingestexp.report.evidence import EvidenceError
from ingestexp.report.translations import translations
from ingestexp.report.window_choice import FILE, WindowChoice, choose_window
from tests.report.evidence import failing, paced_rows, passing, write_run
from tests.report.sweeps import Cell, write_sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Capture = pytest.CaptureFixture[str]
LOADS = ("tune peak", "tune low")


def fatter(folder: Path, **changes: object) -> Path:
    """As `passing`, with a fifth of the batches and so of the commits."""
    items, batches = paced_rows(10_000, lambda _: 2.0, batch_size=50)
    counts = {"offered": 10_000, "committed": 10_000, "batches": len(batches), "commits": len(batches)}
    return write_run(folder, items, batches, counters=counts, **changes)


def thin(folder: Path, **changes: object) -> Path:
    items, batches = paced_rows(10_000, lambda _: 2.0)
    counts = {"offered": 10_000, "committed": 10_000, "batches": len(batches), "commits": len(batches)}
    return write_run(folder, items, batches, counters=counts, **changes)


def chosen(
    tmp_path: Path, windows: dict[tuple[int, float | None], tuple[Callable[..., Path] | None, ...]]
) -> WindowChoice:
    cells = [
        Cell(write, f"{size} x {wait}", stage, window=(size, wait))
        for (size, wait), writes in windows.items()
        for stage, write in zip(LOADS, writes, strict=True)
    ]
    folder = write_sweep(tmp_path / "sweep", cells)
    facts = read_sweep(folder)
    assert facts is not None
    return choose_window(folder, facts["cells"])


def test_the_cheapest_that_passes_everywhere_is_chosen_and_written(tmp_path: Path) -> None:
    found = chosen(tmp_path, {(10, 5.0): (thin, thin), (50, 25.0): (fatter, fatter), (500, 5.0): (fatter, failing)})
    assert (found.max_size, found.max_wait_ms, found.kept, found.tried) == (50, 25.0, 2, 3)
    assert found.cost == pytest.approx(200 / 10_000)
    assert found.payload_bytes == pytest.approx(100 / 50)  # the made-up batches say 100 bytes each
    written = (tmp_path / "sweep" / FILE).read_text()
    assert written.startswith("# @package _global_\n")
    assert yaml.safe_load(written) == {"window": {"max_size": 50, "max_wait_ms": 25}}


def test_a_window_with_a_missing_run_is_not_chosen(tmp_path: Path) -> None:
    assert chosen(tmp_path, {(10, 5.0): (thin, thin), (50, None): (fatter, None)}).max_size == 10


def test_where_none_keeps_the_slo_nothing_is_chosen(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="none of the 1 windows kept the SLO"):
        chosen(tmp_path, {(10, 5.0): (passing, failing)})
    assert not (tmp_path / "sweep" / FILE).exists()


def test_the_decision_and_a_map_of_the_grid_are_shown(tmp_path: Path, capsys: Capture) -> None:
    cells = [
        Cell(failing if size == 1 else passing, f"{size} x {wait}", "tune peak", window=(size, wait))
        for size in (1, 50)
        for wait in (0.0, 25.0)
    ]
    choice = WindowChoice("50 x 25", 50, 25.0, 0.02, 2, 4, ("tune peak",), 200.0)
    stage = {"name": "validate", "frozen_rates": {"chosen": 1000.0}, "decided": choice.facts()}
    folder = write_sweep(tmp_path / "sweep", cells, stages=[stage])
    assert main(["show", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert "window.max_size=50 max_wait_ms=25, the cheapest" in shown
    assert "+experiment=tuned_window" in shown
    assert "linger.ms=25 batch.size=10000" in shown
    assert "tune peak: p99 ms over max_size and max_wait" in shown
    assert shown.count("!") >= 2  # both windows of one item a batch break the SLO
    for name in ("picture.svg", "picture.png"):
        assert main(["show", str(folder), "--plot", str(tmp_path / name)]) == 1
        assert (tmp_path / name).stat().st_size > 5000


def test_a_picture_of_a_run(tmp_path: Path, capsys: Capture) -> None:
    assert main(["show", str(passing(tmp_path / "run")), "--plot", str(tmp_path / "run.svg")]) == 0
    assert "response" in (tmp_path / "run.svg").read_text() or (tmp_path / "run.svg").stat().st_size > 5000
    assert f"picture   {tmp_path / 'run.svg'}" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "why"), [("run.jpeg2", "has to end in"), ("no/such/run.png", "there is no folder")])
def test_where_no_picture_can_be_written(tmp_path: Path, capsys: Capture, name: str, why: str) -> None:
    assert main(["show", str(passing(tmp_path / "run")), "--plot", str(tmp_path / name)]) == 2
    assert why in capsys.readouterr().err


def test_a_window_in_other_words() -> None:
    kafka, librdkafka, vector, collector = translations(512, 2.5, 200.0)
    assert kafka.settings == "linger.ms=3 batch.size=102400"
    assert "rounded up" in kafka.differs
    assert librdkafka.settings == "linger.ms=2.5 batch.num.messages=512 batch.size=103424"
    assert vector.settings.startswith("batch.max_events=512 batch.timeout_secs=0.0025")
    assert collector.settings == "batch: {timeout: 2.5ms, send_batch_size: 512, send_batch_max_size: 512}"


def test_what_has_no_word_elsewhere_is_said() -> None:
    kafka, librdkafka, vector, collector = translations(512, None, 200.0)
    assert all("a day stands for it" in each.differs for each in (kafka, vector, collector))
    assert "15 minutes" in librdkafka.differs
    greedy = translations(512, 0, 200.0)
    assert "no greedy batch" in greedy[2].differs
    assert "as it comes" in greedy[3].differs
