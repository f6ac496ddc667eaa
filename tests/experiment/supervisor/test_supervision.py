"""Whatever happens to the child or to its supervisor, the end is recorded and nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.experiment.supervisor.cgroup import ControlGroup
from ingestexp.experiment.supervisor.enclosure import CGROUP_V1, CGROUP_V2
from ingestexp.report.evidence import check_run
from tests.experiment.supervisor.limited import QUIET, groups_of, kernel_way, manifest, start

if TYPE_CHECKING:
    import subprocess

LONG = (*QUIET, "load.duration_s=60", "memory.limit_mb=600")
PATIENCE_S = 60.0


def once_loaded(process: subprocess.Popen[str], run_dir: Path) -> dict[str, Any]:
    """The manifest as soon as the load has begun (it has written a part since)."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s and process.poll() is None:
        if any((run_dir / "samples").glob("00000[1-9].parquet")):
            return manifest(run_dir)
        time.sleep(0.05)
    raise AssertionError(f"the run did not begin: {process.communicate()}")


def test_ctrl_c_once_drains_the_child(tmp_path: Path) -> None:
    process = start(tmp_path, *LONG)
    facts = once_loaded(process, tmp_path / "run")
    assert facts["pid"] != process.pid
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    ended = manifest(tmp_path / "run")
    assert (process.returncode, ended["status"]) == (130, "interrupted"), (out, err)
    assert ended["self_checks"]["ledger"]["balanced"]
    assert ended["counters"]["unsettled"] == 0


def test_a_child_that_is_killed_by_somebody_else_is_not_called_out_of_memory(tmp_path: Path) -> None:
    process = start(tmp_path, *LONG)
    facts = once_loaded(process, tmp_path / "run")
    os.kill(facts["pid"], signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)
    ended = manifest(tmp_path / "run")
    assert (process.returncode, ended["status"]) == (3, "crashed")
    assert "SIGKILL" in ended["status_reason"]


def test_a_killed_supervisor_takes_its_run_along_and_the_next_one_clears_up(tmp_path: Path) -> None:
    way = kernel_way()
    if way not in (CGROUP_V2, CGROUP_V1):
        pytest.skip("systemd clears its scopes up itself")
    process = start(tmp_path, *LONG)
    facts = once_loaded(process, tmp_path / "run")
    assert len(groups_of(way, process.pid)) == 1
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)
    until_s = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{facts['pid']}").exists() and time.monotonic() < until_s:
        time.sleep(0.01)
    assert json.loads((tmp_path / "run/manifest.json").read_text())["status"] == "running"
    _, status, reason = check_run(tmp_path / "run")
    assert status == "crashed"
    assert "gone without having recorded an end" in str(reason)
    assert groups_of(way, process.pid) == []


def test_a_group_of_a_supervisor_that_is_there_stays(tmp_path: Path) -> None:
    way = kernel_way()
    if way not in (CGROUP_V2, CGROUP_V1):
        pytest.skip("no control group may be made here")
    group = ControlGroup(2 if way == CGROUP_V2 else 1, 1 << 30)
    try:
        assert group.folder in groups_of(way, os.getpid())
        assert group.oom_kill_count() == 0
    finally:
        group.close()
    assert not group.folder.exists()
    group.close()
