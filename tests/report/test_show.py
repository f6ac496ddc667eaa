"""`python -m ingestexp.report show`: the same from the evidence alone, and clear words where it can't be read.

Must live here: the command line and unreadable folders. Must not: what the summary says (`test_summary`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ingestexp.report.__main__ import main
from ingestexp.report.summary import print_summary
from tests.report.evidence import failing, living_pid, paced_rows, passing, write_run

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


def test_it_prints_what_the_run_printed(tmp_path: Path, capsys: Capture) -> None:
    run = passing(tmp_path / "run")
    assert print_summary(run) == 0
    at_the_end = capsys.readouterr().out
    assert main(["show", str(run)]) == 0
    assert capsys.readouterr().out == at_the_end
    assert "PASS" in at_the_end


def test_exit_code_is_the_verdicts(tmp_path: Path) -> None:
    assert main(["show", str(failing(tmp_path / "run"))]) == 1


def test_a_link_is_followed_and_odd_names_are_no_patterns(tmp_path: Path, capsys: Capture) -> None:
    passing(tmp_path / "it's [a], run*")
    (tmp_path / "latest").symlink_to("it's [a], run*")
    assert main(["show", str(tmp_path / "latest")]) == 0
    assert "offered 10,000" in capsys.readouterr().out


def test_no_such_folder(tmp_path: Path, capsys: Capture) -> None:
    assert main(["show", str(tmp_path / "no")]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_not_a_run_folder(tmp_path: Path, capsys: Capture) -> None:
    assert main(["show", str(tmp_path)]) == 2
    assert "not a run folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"schema_version": 1}', '{"status": "completed", "schema_version": 9}']
)
def test_an_unreadable_manifest_is_named(tmp_path: Path, capsys: Capture, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    assert main(["show", str(tmp_path)]) == 2
    assert "manifest.json" in capsys.readouterr().err


@pytest.mark.parametrize("size", [0, 3, 200])
def test_a_torn_part_is_named(tmp_path: Path, capsys: Capture, size: int) -> None:
    part = passing(tmp_path / "run") / "items" / "000001.parquet"
    part.write_bytes(part.read_bytes()[:size])
    assert main(["show", str(tmp_path / "run")]) == 2
    assert "items/000001.parquet: torn" in capsys.readouterr().err


def test_parts_in_progress_are_ignored(tmp_path: Path) -> None:
    run = passing(tmp_path / "run")
    (run / "items" / ".tmp-000002.parquet").write_bytes(b"PAR1 half")
    assert main(["show", str(run)]) == 0


def test_a_run_that_is_going_on_is_left_alone(tmp_path: Path, capsys: Capture) -> None:
    run = passing(tmp_path / "run", status="running", pid=living_pid())
    assert main(["show", str(run)]) == 2
    assert "still going on" in capsys.readouterr().err


def test_a_killed_run_is_read_up_to_its_last_part(tmp_path: Path, capsys: Capture) -> None:
    items, batches = paced_rows(10_000, lambda _: 2.0)
    run = write_run(tmp_path / "run", items, batches)
    manifest = json.loads((run / "manifest.json").read_text())
    manifest |= {"status": "running", "counters": {}, "self_checks": {}, "ended_at_ns": None, "load_ended_at_ns": None}
    (run / "manifest.json").write_text(json.dumps(manifest | {"sink": {}, "load": {}, "ended_at": None}))
    assert main(["show", str(run)]) == 1
    text = capsys.readouterr().out
    assert "CRASHED: its process" in text
    assert "committed 10,000" in text
    assert "INVALID" in text
    assert "did not complete" in text
