"""The comparison at a sweep's end: rows, criteria, what is missing, the exit code; all four verdicts, deserved."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from ingestexp.report.__main__ import main
from ingestexp.report.sweep_report import open_sweep
from ingestexp.report.verdict import FAIL, INCONCLUSIVE, INVALID, PASS
from tests.report.evidence import failing, growing, inconclusive, late_generator, passing
from tests.report.sweeps import Cell, criterion, write_sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("write", "result", "code"),
    [(passing, PASS, 0), (failing, FAIL, 1), (inconclusive, INCONCLUSIVE, 1), (late_generator, INVALID, 1)],
)
def test_a_variant_is_what_its_runs_deserve(
    tmp_path: Path, capsys: Capture, write: Callable[..., Path], result: str, code: int
) -> None:
    folder = write_sweep(tmp_path / "sweep", [Cell(write)])
    assert main(["show", str(folder)]) == code
    assert result in capsys.readouterr().out


def test_the_worst_repeat_is_the_variants_verdict(tmp_path: Path, capsys: Capture) -> None:
    folder = write_sweep(tmp_path / "sweep", [Cell(passing), Cell(failing, repeat=1), Cell(passing, repeat=2)])
    assert main(["show", str(folder)]) == 1
    assert "FAIL 1 of 3" in capsys.readouterr().out


def test_two_variants_of_a_stage_are_compared_in_a_sentence(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(growing, "before", "load", window=(1, 0.0)), Cell(passing, "after", "load")]
    assert main(["show", str(write_sweep(tmp_path / "sweep", cells))]) == 1
    shown = capsys.readouterr().out
    assert "load: before → after: committed/s ×" in shown
    assert "growing" in shown


def test_criteria_decide_the_exit_code_where_there_are_any(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(growing, "per_item", "same load"), Cell(passing, "batched", "same load")]
    grows = criterion("per_item_backlog_grows", at_least=1)
    folder = write_sweep(tmp_path / "sweep", cells, [grows])
    assert main(["show", str(folder)]) == 0
    assert "PASS         per_item_backlog_grows: says so" in capsys.readouterr().out
    batched_too = criterion("batched_backlog_grows", at_least=1)
    assert main(["show", str(write_sweep(tmp_path / "other", cells, [grows, batched_too]))]) == 1
    assert "1 of 1 do not hold" in capsys.readouterr().out


def test_a_criterion_that_rests_on_an_invalid_run_is_invalid(tmp_path: Path) -> None:
    cells = [Cell(late_generator, "batched", "same load"), Cell(passing, "batched", "near the limit")]
    sweep = open_sweep(write_sweep(tmp_path / "sweep", cells, [criterion("batched_keeps_slo", at_least=1)]))
    assert [judgement.result for judgement in sweep.judgements] == [INVALID]
    assert "0000-abcdef" in sweep.judgements[0].reason


def test_missing_cells_are_named_and_nothing_passes_without_them(tmp_path: Path, capsys: Capture) -> None:
    cells = [Cell(passing, "batched", "same load"), Cell(None, "batched", "same load", repeat=1)]
    folder = write_sweep(tmp_path / "sweep", cells, [criterion("batched_keeps_slo", at_least=1)])
    assert main(["show", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert "1 of 2 cells completed" in shown
    assert "failed: 0001-abcdef" in shown
    assert "its worker died" in shown
    assert "but 1 cells are missing" in shown


def test_a_sweep_without_a_finished_cell_says_so_without_a_traceback(tmp_path: Path, capsys: Capture) -> None:
    assert main(["show", str(write_sweep(tmp_path / "sweep", [Cell(None)]))]) == 1
    assert "0 of 1 cells completed" in capsys.readouterr().out


def test_a_table_that_is_not_there_is_said_and_the_rest_is_shown(tmp_path: Path, capsys: Capture) -> None:
    experiment = {"name": "x", "question": "Is it?", "tables": ["no_such_table", "committed_rate"], "acceptance": []}
    assert main(["show", str(write_sweep(tmp_path / "sweep", [Cell(passing)], experiment=experiment))]) == 0
    shown = capsys.readouterr().out
    assert "no_such_table" in shown
    assert "analysis/tables/committed_rate.sql" in shown


def test_other_formats_hold_the_same_rows(tmp_path: Path, capsys: Capture) -> None:
    folder = write_sweep(tmp_path / "sweep", [Cell(passing, "a"), Cell(failing, "b")])
    assert main(["show", str(folder), "--format", "json"]) == 1
    from_json = [row for row in json.loads(capsys.readouterr().out) if row["table"] == "variants"]
    assert [(row["variant"], row["verdict"]) for row in from_json] == [("a", PASS), ("b", FAIL)]
    main(["show", str(folder), "--format", "csv"])
    from_csv = list(csv.DictReader(io.StringIO(capsys.readouterr().out.partition("\n\n")[0])))
    assert [float(row["committed_per_s"]) for row in from_csv] == [row["committed_per_s"] for row in from_json]
    main(["show", str(folder), "--format", "markdown"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| stage | variant |")
    assert lines[4:7] == ["", "**comparison**", ""]


def test_accept_puts_the_criteria_of_several_sweeps_into_one_table(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = criterion("batched_keeps_slo", at_least=1)
    day = tmp_path / "runs" / "2026-01-01"
    day.mkdir(parents=True)
    for name, write in (("good", passing), ("bad", failing)):
        experiment = {"name": name, "question": "", "tables": [], "acceptance": [kept]}
        write_sweep(day / name, [Cell(write, "batched", "same load")], experiment=experiment)
    monkeypatch.chdir(tmp_path)
    assert main(["accept", "good"]) == 0
    assert "1 of 1 criteria PASS" in capsys.readouterr().out
    assert main(["accept", "good", "runs/2026-01-01/bad", "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [(row["experiment"], row["verdict"]) for row in rows] == [("good", PASS), ("bad", FAIL)]
    assert main(["accept", "no_such_experiment"]) == 2
    assert "bad, good" in capsys.readouterr().err


def test_a_folder_of_another_kind_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert main(["accept", str(tmp_path)]) == 2
    (tmp_path / "sweep.yaml").write_text("format_version: 99\n")
    assert main(["show", str(tmp_path)]) == 2
    assert "not a sweep's folder" in capsys.readouterr().err


def test_what_an_invalid_run_counted_stands_for_a_criterion_that_does_not_ask_for_its_verdict(tmp_path: Path) -> None:
    cells = [Cell(late_generator, "batched", "same load"), Cell(passing, "per_item", "same load")]
    criteria = [criterion("commits_per_item_ratio", at_least=0.01), criterion("batched_keeps_slo", at_least=1)]
    sweep = open_sweep(write_sweep(tmp_path / "sweep", cells, criteria))
    assert [judgement.result for judgement in sweep.judgements] == [PASS, INVALID]
