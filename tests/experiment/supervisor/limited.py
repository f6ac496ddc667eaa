"""Runs with a memory limit, for the tests of this folder, and what they leave.

Must live here: configs, folders, the kernel's own way on this host. Must not: what is expected.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from ingestexp.experiment.compose import plan
from ingestexp.experiment.supervisor.cgroup import ControlGroup
from ingestexp.experiment.supervisor.choice import enclose
from ingestexp.experiment.supervisor.enclosure import CGROUP_V1, CGROUP_V2, SYSTEMD_RUN, Unavailable

if TYPE_CHECKING:
    from ingestexp.experiment.schema import RunConfig

ROOT: Final = Path(__file__).resolve().parents[3]
KERNEL_WAYS: Final = (CGROUP_V2, CGROUP_V1, SYSTEMD_RUN)
QUIET: Final = ("load=constant", "load.rate_per_s=1000", "load.duration_s=0.5", "slo.warmup_s=0")
HOARDING: Final = (
    "policy=unbounded",
    "window=per_item",
    "load=constant",
    "load.rate_per_s=20000",
    "load.duration_s=60",
    "payload.size_bytes=2000",
    "run.drain_s=0",
)
"""40 MB/s into a queue without bounds, before a database that commits one item at a time."""


def kernel_way() -> str:
    """The best way here by which the kernel kills. Skips the test where there is none."""
    try:
        enclosure, _ = enclose(1 << 30, KERNEL_WAYS)
    except Unavailable as error:
        pytest.skip(f"nothing here kills at a limit: {error}")
    enclosure.close()
    return enclosure.enforced_by


def config(*overrides: str) -> RunConfig:
    found = plan(list(overrides))
    assert found.mistakes == []
    return found.configs[0]


def manifest(run_dir: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((run_dir / "manifest.json").read_text(encoding="utf-8"))
    return facts


def start(cwd: Path, *argv: str) -> subprocess.Popen[str]:
    """As a user does, with a run folder `run` below `cwd`."""
    return subprocess.Popen(
        [sys.executable, "-m", "ingestexp", "hydra.run.dir=run", *argv],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def groups_of(way: str, pid: int) -> list[Path]:
    """The groups made by that process, beside the one that a new one would be."""
    if way == SYSTEMD_RUN:
        return []
    group = ControlGroup(2 if way == CGROUP_V2 else 1, 1 << 30)
    group.close()
    return list(group.folder.parent.glob(f"ingestexp-*-{pid}-*"))
