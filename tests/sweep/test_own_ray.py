"""Sweeps that start a Ray of their own: nothing of it stays behind; what a killed driver leaves is gone on with."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sweep.rig import LIVE, ended, is_alive, parent_of, wait_for

if TYPE_CHECKING:
    from tests.sweep.rig import Home

pytestmark = pytest.mark.xdist_group("ray")

COMMAND = ("-m", *LIVE, "load.duration_s=2", "window.max_size=1,8,64", "sweep.exclusive=true")


def test_a_killed_driver_takes_its_children_along_and_its_sweep_goes_on(own: Home) -> None:
    driver = own.start(*COMMAND)
    wait_for(lambda: own.sweeps and "completed" in own.sweep().statuses() and own.sweep().running())
    sweep = own.sweep()
    (victim,) = sweep.running()
    assert os.getpriority(os.PRIO_PROCESS, victim["pid"]) == os.getpriority(os.PRIO_PROCESS, driver.pid)
    worker = parent_of(parent_of(victim["pid"]))
    raylet = parent_of(worker)
    driver.kill()
    ended(driver)
    wait_for(lambda: not any(map(is_alive, (victim["pid"], worker, raylet))), 20)
    assert sweep.facts["status"] == "running", "nobody could say otherwise"
    before = {name: facts for name, facts in sweep.manifests().items() if facts["status"] == "completed"}

    done = own.run(*COMMAND)
    assert done.code in (0, 1), done.err
    assert f"going on with {sweep.folder.relative_to(own.path)}" in done.words
    assert own.sweeps == [sweep.folder]
    after = sweep.manifests()
    assert {name: after[name] for name in before} == before, "what was finished is left alone"
    assert sorted(sweep.statuses()) == ["completed"] * 3
    lost = f"{victim['cell']['number']:04d}-{victim['cell']['cell_hash'][:6]}"
    assert after[lost]["status"] == "crashed"
    assert after[lost]["cell"]["superseded"]
    assert after[f"{lost}-r1"]["status"] == "completed"
    assert len(after) == 4

    other = sweep.folder / next(iter(before)) / "manifest.json"
    other.write_text(json.dumps({**json.loads(other.read_text()), "code_version": "0.0.1"}))
    done = own.run(*COMMAND, f"hydra.sweep.dir={sweep.folder}")
    assert done.code in (0, 1), done.err
    assert "1 finished cell of code 0.0.1" in done.words
    assert "not mixed in" in done.words
    assert len(sweep.manifests()) == 5, "that one alone ran again"
    assert json.loads(other.read_text())["cell"]["superseded"]


def test_nothing_of_ray_is_left_behind(own: Home) -> None:
    def sessions() -> set[str]:
        return {path.name for path in Path("/tmp").glob("ingestexp-*")}

    before = sessions()
    driver = own.start("-m", *LIVE, "load.duration_s=0.3", "window.max_size=1,8")
    session = wait_for(lambda: sessions() - before)
    done = ended(driver)
    assert done.code in (0, 1), done.err
    assert not session & sessions()
    assert not [line for line in (done.out + done.err).splitlines() if "raylet" in line or "INFO" in line]
    assert "starting Ray" in done.err, "its start is shown"

    folder = own.sweep().folder
    kept = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.parent != folder}
    done = own.run("-m", *LIVE, "load.duration_s=0.3", "window.max_size=1,8", f"hydra.sweep.dir={folder}")
    assert done.code in (0, 1), done.err
    assert "2 of 2 cells are finished nothing is to be run" in done.words
    assert "Ray" not in done.err, "a finished sweep needs none"
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.parent != folder} == kept


def test_ctrl_c_while_ray_starts_ends_the_sweep(own: Home) -> None:
    driver = own.start(*COMMAND)
    assert driver.stderr is not None
    assert "starting Ray" in driver.stderr.readline()
    os.kill(driver.pid, signal.SIGINT)
    done = ended(driver)
    assert done.code == 130
    assert "Traceback" not in done.err
    assert set(own.sweep().statuses()) <= {"pending", "interrupted", "completed"}
