"""The noise floor's line: found beside the runs, honest about other hosts and about what is not known.

Must live here: doctor.json made by hand. Must not: measuring.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.report.noise_floor import UNKNOWN, noise_floor_line

if TYPE_CHECKING:
    from pathlib import Path

HOST = {"cpu_model": "Some CPU", "cores_allowed": 2, "memory_bytes": 1 << 33, "kernel": "6.1", "filesystem": "ext4"}
FLOOR = {
    "p50": {"resolves": 0.1, "resolves_ratio": 0.03, "mean": 3.0},
    "p99": {"resolves": 0.81, "resolves_ratio": 0.12, "mean": 6.7},
    "throughput": {"resolves": 4000.0, "resolves_ratio": 0.04, "mean": 100_000.0},
}
LINE = "noise floor (doctor, 2026-11-24): Δp99 ≥ 0.81 ms (12%), throughput ≥ 4%"


def examined(folder: Path, **changes: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"examined_at": "2026-11-24T10:00:00+00:00", "host": HOST, "noise_floor": FLOOR, **changes}
    (folder / "doctor.json").write_text(json.dumps(facts))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


@pytest.mark.parametrize("where", ["runs", "runs/2026-11-24", "runs/2026-11-24/sweep"])
def test_it_is_found_beside_the_runs(tmp_path: Path, where: str) -> None:
    examined(tmp_path / where)
    assert noise_floor_line(tmp_path / "runs" / "2026-11-24" / "sweep", HOST) == LINE


def test_it_is_not_looked_for_above_runs(tmp_path: Path) -> None:
    examined(tmp_path)
    assert noise_floor_line(tmp_path / "runs" / "sweep", HOST) == UNKNOWN


def test_the_current_folders_runs_are_the_last_resort(tmp_path: Path) -> None:
    examined(tmp_path / "elsewhere" / "runs")
    assert noise_floor_line(tmp_path / "copied", HOST) == LINE


def test_another_host_is_named_as_such(tmp_path: Path) -> None:
    examined(tmp_path / "runs")
    line = noise_floor_line(tmp_path / "runs", {**HOST, "cpu_model": "Another", "kernel": "6.2"})
    assert line == f"{LINE} - of another host than these runs' (differs: processor, kernel)"
    assert noise_floor_line(tmp_path / "runs", {}) == LINE, "what a run did not record can't differ"


def test_unknown(tmp_path: Path) -> None:
    assert noise_floor_line(tmp_path / "runs", HOST) == UNKNOWN
    (tmp_path / "runs").mkdir()
    for text in ("", "[]", "{}", "\x00"):
        (tmp_path / "runs" / "doctor.json").write_text(text)
        assert noise_floor_line(tmp_path / "runs", HOST) == UNKNOWN
    examined(tmp_path / "runs", noise_floor={"p99": None})
    assert noise_floor_line(tmp_path / "runs", HOST) == UNKNOWN
    examined(tmp_path / "runs", noise_floor=None)
    assert "left the pairs out" in noise_floor_line(tmp_path / "runs", HOST)
