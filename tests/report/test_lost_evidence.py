"""A cell that completed and whose evidence was removed since: named, counted as missing, nothing passes without it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from ingestexp.report.__main__ import main
from ingestexp.report.sweep_report import open_sweep
from ingestexp.report.verdict import INCONCLUSIVE
from tests.report.evidence import passing
from tests.report.sweeps import Cell, criterion, write_sweep

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


def bereft(tmp_path: Path, whole_folder: bool = True) -> Path:
    """Three completed cells, the last without its evidence."""
    cells = [Cell(passing, "batched", "same load", repeat) for repeat in range(3)]
    folder = write_sweep(tmp_path / "day" / "sweep", cells, [criterion("batched_keeps_slo", at_least=1)])
    if whole_folder:
        shutil.rmtree(folder / "0002-abcdef")
    else:
        (folder / "0002-abcdef" / "manifest.json").unlink()
    return folder


@pytest.mark.parametrize(("whole_folder", "gone"), [(True, "its folder is gone"), (False, "its manifest.json is gone")])
def test_it_is_named_and_the_exit_code_says_so(tmp_path: Path, capsys: Capture, whole_folder: bool, gone: str) -> None:
    (tmp_path / "day").mkdir()
    assert main(["show", str(bereft(tmp_path, whole_folder))]) == 1
    shown = capsys.readouterr().out
    assert "2 of 3 cells completed" in shown
    assert "missing: 0002-abcdef  same load batched #2" in shown
    assert gone in shown


def test_no_criterion_passes_without_it(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "day").mkdir()
    folder = bereft(tmp_path)
    assert [judgement.result for judgement in open_sweep(folder).judgements] == [INCONCLUSIVE]
    assert main(["accept", str(folder)]) == 1
    assert "0002-abcdef" in capsys.readouterr().out, "which cell it is"
    for command in ("accept", "show"):
        assert main([command, str(folder), "--format", "json"]) == 1
        said = capsys.readouterr()
        assert "missing: 0002-abcdef" in said.err
        assert json.loads(said.out), "beside the rows, not among them"


def test_the_list_does_not_count_it_either(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "day").mkdir()
    bereft(tmp_path)
    assert main(["list", "--runs", str(tmp_path), "--format", "json"]) == 0
    assert [row["status"] for row in json.loads(capsys.readouterr().out)] == ["completed 2/3"]
