"""What stands below a sweep's comparison: the noise floor, why runs have the verdict they have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.report.__main__ import main
from ingestexp.report.noise_floor import UNKNOWN
from tests.report.evidence import failing, growing, inconclusive, late_generator, paced_rows, passing, write_run
from tests.report.sweeps import Cell, write_sweep

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]
FLOOR = {
    "p99": {"resolves": 0.81, "resolves_ratio": 0.12, "mean": 6.7},
    "throughput": {"resolves": 4000.0, "resolves_ratio": 0.04, "mean": 100_000.0},
}
LINE = "noise floor (doctor, 2026-11-24): Δp99 ≥ 0.81 ms (12%), throughput ≥ 4%"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)


def examined(tmp_path: Path) -> None:
    facts = {"examined_at": "2026-11-24T10:00:00+00:00", "host": {}, "noise_floor": FLOOR}
    (tmp_path / "runs" / "doctor.json").write_text(json.dumps(facts))


def shown(capsys: Capture, *arguments: object) -> str:
    main([str(each) for each in arguments])
    return capsys.readouterr().out


def test_the_noise_floor_stands_under_a_sweeps_comparison(tmp_path: Path, capsys: Capture) -> None:
    folder = write_sweep(tmp_path / "runs" / "sweep", [Cell(passing, "a"), Cell(passing, "b")])
    assert UNKNOWN in shown(capsys, "show", folder)
    examined(tmp_path)
    assert LINE in shown(capsys, "show", folder)


def test_the_noise_floor_stands_under_compare(tmp_path: Path, capsys: Capture) -> None:
    a, b = (write_run(tmp_path / "runs" / name, *paced_rows(4000, lambda _: 2.0)) for name in "ab")
    assert UNKNOWN in shown(capsys, "compare", a, b)
    examined(tmp_path)
    assert LINE in shown(capsys, "compare", a, b)


def test_virtual_time_has_no_noise_and_one_variant_no_comparison(tmp_path: Path, capsys: Capture) -> None:
    def simulated(folder: Path, **changes: Any) -> Path:
        return passing(folder, **{**changes, "clock": "simulated"})

    two = write_sweep(tmp_path / "runs" / "two", [Cell(simulated, "a"), Cell(simulated, "b")])
    assert "noise floor" not in shown(capsys, "show", two)
    assert "noise floor" not in shown(capsys, "show", write_sweep(tmp_path / "runs" / "one", [Cell(passing)]))


def test_a_verdict_that_the_latency_does_not_explain_is_explained(tmp_path: Path, capsys: Capture) -> None:
    writers = {"fine": passing, "over": failing, "open": inconclusive, "late": late_generator, "full": growing}
    cells = [Cell(write, name, "load", k) for name, write in writers.items() for k in (0, 1)]
    lines = shown(capsys, "show", write_sweep(tmp_path / "runs" / "sweep", cells)).splitlines()
    explained = [line for line in lines if "#0, #1: " in line]
    assert [line.split()[:3] for line in explained] == [
        ["INCONCLUSIVE", "load", "open"],
        ["INVALID", "load", "late"],
        ["FAIL", "load", "full"],
    ]
    assert "times as many items would settle it" in explained[0]


def test_the_explanations_are_capped(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(late_generator, f"v{number}", "load") for number in range(14)]
    text = shown(capsys, "show", write_sweep(tmp_path / "runs" / "sweep", cells))
    assert "… and 2 more runs with a reason" in text
