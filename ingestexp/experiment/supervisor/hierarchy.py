"""Where a control group of ours may be made: below or beside the one that this process is in.

Must live here: reading /proc for the mounts and the own group, what cgroup v2 wants done first. Must not: the group
itself (`cgroup`). `root` stands for / everywhere, so that tests can show another machine's files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ingestexp.experiment.supervisor.enclosure import Unavailable

REST: Final = "ingestexp-rest"
"""cgroup v2 only: where the processes of a container's topmost group go, since a group with processes has no parts."""


def own_group_v1(root: Path = Path("/")) -> Path:
    """The folder of our memory group. Raises Unavailable."""
    mount, top = _mount(root, "cgroup", "memory")
    for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return root / mount.lstrip("/") / _below(path, top)
    raise Unavailable("this process is in no memory group")


def own_group_v2(root: Path = Path("/")) -> Path:
    """The folder of our unified group. Raises Unavailable."""
    mount, top = _mount(root, "cgroup2", None)
    for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            return root / mount.lstrip("/") / _below(path, top)
    raise Unavailable("this process is in no unified group")


def _mount(root: Path, kind: str, option: str | None) -> tuple[str, str]:
    """(mount point, which group is mounted there). Fields of /proc/self/mountinfo: see proc(5)."""
    try:
        lines = (root / "proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Unavailable(f"there is no /proc/self/mountinfo: {error.strerror}") from error
    for line in lines:
        before, _, after = line.partition(" - ")
        found, _, options = after.split(" ", 2)
        if found == kind and (option is None or option in options.split(",")):
            fields = before.split(" ")
            return fields[4].replace("\\040", " "), fields[3]
    what = f"no cgroup {'v1 memory' if option else 'v2'} hierarchy is mounted"
    raise Unavailable(what)


def _below(path: str, top: str) -> str:
    """Of a container, whose group is the mount's own top."""
    if path.startswith("/.."):
        raise Unavailable("this process's group lies outside what is mounted")
    inside = path.removeprefix(top) if top != "/" and (path == top or path.startswith(f"{top}/")) else path
    return inside.lstrip("/")


def parent_v2(own: Path) -> Path:
    """Where memory is shared out among parts and may be written by us. Raises Unavailable.

    The own group if it may have parts, else the one above it; of a container's topmost group the processes are first
    moved to a part of their own (`REST`), which then stays.
    """
    if not (own / "cgroup.controllers").exists():
        raise Unavailable(f"{own} is no cgroup")
    for folder in (own, own.parent):
        if "memory" in _words(folder / "cgroup.subtree_control") and os.access(folder / "cgroup.procs", os.W_OK):
            return folder
    if "memory" not in _words(own / "cgroup.controllers"):
        raise Unavailable(f"{own} has no memory controller")
    if (own.parent / "cgroup.procs").exists():
        raise Unavailable(f"{own.parent} may not be written by this user")
    try:
        _step_aside(own)
    except OSError as error:
        raise Unavailable(f"{own} can't have parts with a memory limit: {error.strerror}") from error
    return own


def _step_aside(own: Path) -> None:
    """Raises OSError; what was moved is moved back then."""
    rest = own / REST
    rest.mkdir(exist_ok=True)
    try:
        for pid in _words(own / "cgroup.procs"):
            (rest / "cgroup.procs").write_text(pid, encoding="ascii")
        (own / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
    except OSError:
        for pid in _words(rest / "cgroup.procs"):
            (own / "cgroup.procs").write_text(pid, encoding="ascii")
        rest.rmdir()
        raise


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except OSError:
        return []
