"""The command line as users meet it: exit codes, one screen of words, nothing left behind by a mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def ingestexp(home: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    command = [sys.executable, "-m", "ingestexp", *argv]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=60, check=False)


QUICK = ("clock=simulated", "sink=model", "load.duration_s=0.2", "load.rate_per_s=1000")


def test_a_mistake_exits_2_in_one_screen_and_leaves_nothing(tmp_path: Path) -> None:
    done = ingestexp(tmp_path, "window.max_sise=64", "load=poison", "policy.capacity=10")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("ingestexp: 3 mistakes in the configuration\n")
    assert "did you mean window.max_size?" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 12
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_a_sweep_starts_none_of_its_cells(tmp_path: Path) -> None:
    done = ingestexp(tmp_path, "-m", *QUICK, "window.max_size=1,0")
    assert done.returncode == 2
    assert "window.max_size=0" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_traceback_is_there_for_who_asks(tmp_path: Path) -> None:
    done = ingestexp(tmp_path, "window.max_sise=64", INGESTEXP_DEBUG="1")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_an_unreadable_row_leaves_nothing_behind(tmp_path: Path) -> None:
    home, table = tmp_path / "home", tmp_path / "a.csv"
    home.mkdir()
    table.write_text("t\n1\nnonsense\n")
    done = ingestexp(home, "load=replay", f"load.path={table}", "load.timestamp_column=t")
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert list(home.iterdir()) == []


def test_the_config_is_shown_without_pyarrow_duckdb_or_a_folder(tmp_path: Path) -> None:
    done = ingestexp(tmp_path, "--cfg", "job", "sink=null", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert "kind: 'null'" in done.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert imported & {"pyarrow", "duckdb", "ray", "rich"} == set()
    assert "hydra" in imported
    assert list(tmp_path.iterdir()) == []


def test_help_names_groups_keys_and_examples_but_no_schemas(tmp_path: Path) -> None:
    done = ingestexp(tmp_path, "--help")
    assert done.returncode == 0
    for expected in ("load: bursty, constant", "window.max_wait_ms", "--config-dir", "Exit codes"):
        assert expected in done.stdout
    assert "\nschema" not in done.stdout


def test_info_and_completion_answer(tmp_path: Path) -> None:
    assert "Defaults List" in ingestexp(tmp_path, "--info", "defaults").stdout
    line = "ingestexp load=po"  # Hydra's completion knows scripts, not `python -m`
    done = ingestexp(tmp_path, "-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert "load=poisson" in done.stdout


def test_a_run_leaves_its_folder_and_never_overwrites_it(tmp_path: Path) -> None:
    first = ingestexp(tmp_path, *QUICK, "hydra.run.dir=here")
    assert first.returncode in (0, 1)
    assert (tmp_path / "here" / "manifest.json").is_file()
    assert (tmp_path / "here" / ".hydra" / "overrides.yaml").is_file()
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "here").rglob("*")}
    second = ingestexp(tmp_path, *QUICK, "hydra.run.dir=here")
    assert second.returncode == 2
    assert "evidence is never overwritten" in second.stderr
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "here").rglob("*")} == kept


def test_a_sweep_runs_each_cell_into_a_folder_of_its_own(tmp_path: Path) -> None:
    done = ingestexp(tmp_path, "-m", *QUICK, "window.max_size=1,64")
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert sorted(path.parent.name[:5] for path in tmp_path.glob("runs/*/*/*/manifest.json")) == ["0000-", "0001-"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = ingestexp(tmp_path, *QUICK, "hydra.run.dir=file/run")
    assert done.returncode == 2
    assert "is not a folder" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = ingestexp(tmp_path, *QUICK)
    tmp_path.chmod(0o700)
    assert done.returncode == 2
    assert "may not be written" in done.stderr


def test_cells_do_not_share_a_store(tmp_path: Path) -> None:
    done = ingestexp(tmp_path, "-m", "sink.path=x.sqlite", "seed=1,2")
    assert done.returncode == 2
    assert "2 cells" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_strangers_yaml_is_reproduced_with_its_files_beside_it(tmp_path: Path) -> None:
    shared, home = tmp_path / "shared", tmp_path / "home"
    (shared / "experiment").mkdir(parents=True)
    home.mkdir()
    (shared / "requests.csv").write_text("t\n0\n0.1\n0.2\n")
    (shared / "experiment" / "theirs.yaml").write_text(
        "# @package _global_\n"
        "defaults:\n  - override /load: replay\n  - override /sink: model\n"
        "clock: simulated\nload: {path: requests.csv, timestamp_column: t}\n"
    )
    done = ingestexp(home, "--config-dir", str(shared), "+experiment=theirs", "hydra.run.dir=here")
    assert done.returncode in (0, 1), done.stderr
    assert '"offered": 3' in (home / "here" / "manifest.json").read_text()
