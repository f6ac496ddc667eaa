"""Where a control group may be made, on hosts that are played by folders: no kernel stands behind these files.

That a real one obeys is in `test_kernel_kill`, for the kind that this host has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestexp.experiment.supervisor.enclosure import Unavailable
from ingestexp.experiment.supervisor.hierarchy import REST, own_group_v1, own_group_v2, parent_v2

if TYPE_CHECKING:
    from pathlib import Path

UNIFIED = "30 1 0:26 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
MEMORY_V1 = "31 1 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
CONTAINER_V1 = "31 1 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"


def host(root: Path, mounts: str, groups: str) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text(mounts)
    (root / "proc/self/cgroup").write_text(groups)
    return root


def group(folder: Path, controllers: str = "cpu memory", shared: str = "", pids: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "cgroup.controllers").write_text(controllers)
    (folder / "cgroup.subtree_control").write_text(shared)
    (folder / "cgroup.procs").write_text(pids)
    return folder


def test_the_unified_group(tmp_path: Path) -> None:
    found = own_group_v2(host(tmp_path, UNIFIED, "0::/user.slice/session-2.scope\n"))
    assert found == tmp_path / "sys/fs/cgroup/user.slice/session-2.scope"


def test_the_memory_group_of_v1(tmp_path: Path) -> None:
    groups = "9:name=systemd:/\n4:cpu,memory:/jobs/7\n0::/\n"
    assert own_group_v1(host(tmp_path, UNIFIED + MEMORY_V1, groups)) == tmp_path / "sys/fs/cgroup/memory/jobs/7"


def test_in_a_container_the_mounts_top_is_the_own_group(tmp_path: Path) -> None:
    found = own_group_v1(host(tmp_path, CONTAINER_V1, "4:memory:/docker/abc\n"))
    assert found == tmp_path / "sys/fs/cgroup/memory"


@pytest.mark.parametrize(
    ("mounts", "groups", "why"),
    [
        ("", "0::/\n", "hierarchy is mounted"),
        (MEMORY_V1, "0::/\n", "in no memory group"),
        (MEMORY_V1, "4:memory:/../other\n", "lies outside"),
    ],
)
def test_why_there_is_none(tmp_path: Path, mounts: str, groups: str, why: str) -> None:
    with pytest.raises(Unavailable, match=why):
        own_group_v1(host(tmp_path, mounts, groups))


def test_a_group_that_shares_memory_out_is_the_parent(tmp_path: Path) -> None:
    own = group(tmp_path / "top", shared="memory")
    assert parent_v2(own) == own


def test_else_the_one_above_is(tmp_path: Path) -> None:
    above = group(tmp_path / "slice", shared="cpu memory")
    assert parent_v2(group(above / "own.scope")) == above


def test_a_containers_topmost_group_moves_its_processes_aside(tmp_path: Path) -> None:
    own = group(tmp_path / "top", pids="17\n")
    (own / REST).mkdir()
    assert parent_v2(own) == own
    assert (own / REST / "cgroup.procs").read_text() == "17"
    assert (own / "cgroup.subtree_control").read_text() == "+memory"


def test_without_a_memory_controller_there_is_no_parent(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="has no memory controller"):
        parent_v2(group(tmp_path / "top", controllers="hugetlb"))


def test_what_another_shares_out_is_left_alone(tmp_path: Path) -> None:
    """A group below one that may not be written: moving its processes would not help."""
    above = group(tmp_path / "slice", shared="cpu")
    with pytest.raises(Unavailable, match="may not be written"):
        parent_v2(group(above / "own.scope"))
