"""A cell beside which the host stood still runs once more, with its pair; one that failed does not.

The stall is a real one: the run's stall probe, a process, is stopped and goes on.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.sweep.rig import LIVE, Home, children_of, ended, wait_for

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.xdist_group("ray")

STALL_S = 0.2
RERUN = ("sweep.exclusive=true", "sweep.rerun_disturbed=true", "load.duration_s=3")


def probe_of(pid: int) -> int | None:
    """The stall probe of the run in this process."""
    for child in children_of(pid):
        if "stall_watch" in Path(f"/proc/{child}/cmdline").read_text():
            return child
    return None


def stall(facts: dict[str, Any], home: Home) -> None:
    """In the run's middle: some of its evidence is closed."""
    folder = home.sweep().folder / facts["run_id"]
    wait_for(lambda: len(list(folder.glob("items/0*.parquet"))) > 1)
    probe = wait_for(lambda: probe_of(facts["pid"]))
    os.kill(probe, signal.SIGSTOP)
    time.sleep(STALL_S)  # this is the stall, not a wait for something
    os.kill(probe, signal.SIGCONT)


def started(process: subprocess.Popen[str], home: Home) -> dict[str, Any]:
    return dict(wait_for(lambda: process.poll() is not None or (home.sweeps and home.sweep().running()))[0])


def test_a_stalled_cell_and_its_pair_run_once_more_and_the_first_try_is_kept_aside(home: Home) -> None:
    process = home.start("-m", *LIVE, *RERUN, "window.max_size=1,64")
    stall(started(process, home), home)
    done = ended(process)
    assert done.code in (0, 1), done.err
    assert "2 cells run once more: the host was disturbed" in done.words
    manifests = home.sweep().manifests()
    assert len(manifests) == 4, "both of the pair, once more and not oftener"
    first = {name: facts for name, facts in manifests.items() if not name.endswith("-r1")}
    assert all(facts["cell"]["superseded"] for facts in first.values())
    assert any(facts["self_checks"]["host"]["stall_max_ms"] >= STALL_S * 900 for facts in first.values())
    assert {row["folder"] for row in home.sweep().rows} == {f"{name}-r1" for name in first}
    assert home.sweep().statuses() == ["completed"] * 2


def test_a_cell_that_failed_stays_failed_though_its_pair_runs_once_more(home: Home) -> None:
    process = home.start("-m", *LIVE, *RERUN, "window.max_size=1,64")
    victim = started(process, home)
    os.kill(victim["pid"], signal.SIGKILL)
    other = wait_for(lambda: [facts for facts in home.sweep().running() if facts["pid"] != victim["pid"]])[0]
    stall(other, home)
    done = ended(process)
    assert done.code == 3, done.err
    assert "1 cells run once more" not in done.words
    assert "1 cell runs once more: the host was disturbed" in done.words
    assert sorted(home.sweep().statuses()) == ["completed", "crashed"]
    assert len(home.sweep().manifests()) == 3
    assert "sweep 2/2 cells" in done.words
