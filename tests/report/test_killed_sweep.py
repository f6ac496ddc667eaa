"""A sweep whose driver was killed: `show` and `list` say the same of its cells, and of each what became of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ingestexp.experiment.sweep_folder import lock
from ingestexp.report.__main__ import main
from ingestexp.report.sweep_report import open_sweep
from tests.report.evidence import passing
from tests.report.sweeps import Cell, write_sweep

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def killed(folder: Path) -> Path:
    """Finished, finished though `sweep.yaml` does not know yet, killed, and handed out but not begun."""
    write_sweep(folder, [Cell(passing, variant=name) for name in "abc"] + [Cell(None, variant="d")], status="running")
    facts = json.loads((folder / "sweep.yaml").read_text())
    for row in facts["cells"][1:]:
        row.update(status="running", reason=None)
    (folder / "sweep.yaml").write_text(json.dumps(facts))
    run = json.loads((folder / "0002-abcdef" / "manifest.json").read_text())
    (folder / "0002-abcdef" / "manifest.json").write_text(json.dumps({**run, "status": "running"}))
    return folder


def test_its_cells_are_what_their_runs_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = killed(tmp_path / "runs" / "day" / "sweep")
    assert [line["status"] for line in open_sweep(folder).lines] == ["completed", "completed", "crashed", "pending"]
    assert main(["show", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert "2 of 4 cells completed" in shown
    assert "crashed: 0002-abcdef" in shown
    assert "running" not in shown
    main(["list", "--runs", str(tmp_path / "runs")])
    assert "crashed 2/4" in " ".join(capsys.readouterr().out.split())


def test_one_that_is_at_work_is_left_alone(tmp_path: Path) -> None:
    folder = killed(tmp_path / "sweep")
    assert lock(folder) is not None
    assert [line["status"] for line in open_sweep(folder).lines] == ["completed", *["running"] * 3]
