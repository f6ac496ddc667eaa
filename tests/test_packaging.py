"""What a user gets from `pip install ingestexp`: the questions and the answers travel inside the wheel.

Must live here: the built wheel, looked at and run as a stranger would, far from the source tree. Must not:
anything that could be seen from the source tree itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent

pytestmark = [pytest.mark.packaging, pytest.mark.xdist_group("packaging")]


def run(*command: str | Path, cwd: Path, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run it with nothing of this session in reach: no PYTHONPATH, no settings of ours."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "INGESTEXP_", "HYDRA_"))}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in allowed, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", out, cwd=ROOT)
    (built,) = out.glob("ingestexp-*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment that holds the wheel.

    Its dependencies are borrowed from this session's environment by a path file, which is quick and needs no
    network; path files *there* (an editable install of the source tree) are not read, so they can't leak in.
    """
    home = tmp_path_factory.mktemp("env")
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=home)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).stdout.strip())
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n", encoding="utf-8")
    return python


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_questions_machine_and_answers(wheel: Path) -> None:
    names = names_in(wheel)
    for needed in ("__main__.py", "py.typed", "conf/config.yaml", "conf/sink/sqlite.yaml", "analysis/views.sql"):
        assert f"ingestexp/{needed}" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_wheel_ships_every_question_and_every_answer(wheel: Path) -> None:
    asked = {f"ingestexp/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "conf").rglob("*.yaml")}
    answered = {f"ingestexp/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "analysis").rglob("*.sql")}
    assert (asked | answered) - names_in(wheel) == set()


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names_in(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} <= {"ingestexp", "hydra_plugins"}
    assert [name for name in names_in(wheel) if "__pycache__" in name or "/tests/" in name] == []


def test_the_installed_wheel_composes_from_an_empty_folder(python: Path, tmp_path: Path) -> None:
    where = run(python, "-c", "import ingestexp; print(ingestexp.__file__)", cwd=tmp_path).stdout.strip()
    assert Path(where).is_relative_to(python.parent.parent), "the source tree leaked into the environment"
    shown = run(python, "-m", "ingestexp", "--cfg", "job", cwd=tmp_path).stdout
    assert "max_size: 512" in shown
    assert "capacity: 100000" in shown
    assert list(tmp_path.iterdir()) == [], "looking at the config must leave nothing behind"


def test_the_installed_wheel_runs_from_an_empty_folder(python: Path, tmp_path: Path) -> None:
    # Exit code 1: so short a run may well leave its verdict inconclusive.
    asked = ("load.duration_s=0.3", "load.rate_per_s=2000")
    done = run(python, "-m", "ingestexp", *asked, cwd=tmp_path, allowed=(0, 1))
    latest = tmp_path / "runs" / "latest"
    assert latest.is_symlink()
    manifest = json.loads((latest / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["status"] == "completed"
    assert manifest["self_checks"]["ledger"]["balanced"] is True
    assert manifest["self_checks"]["readback"]["ok"] is True
    assert manifest["counters"]["committed"] > 300
    for kind in ("items", "batches", "samples", "dead_letters"):
        assert list((latest / kind).glob("*.parquet"))
    assert "committed" in done.stdout
