"""A control group for one run: made, entered, counted, removed; what a killed supervisor left is removed as well.

Must live here: the files of one group, v1 and v2. Must not: where it may be made (`hierarchy`).
Names and meanings of the files: the kernel's admin-guide, cgroup-v1/memory.rst and cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from ingestexp.experiment.supervisor.enclosure import CGROUP_V1, CGROUP_V2, Unavailable
from ingestexp.experiment.supervisor.hierarchy import own_group_v1, own_group_v2, parent_v2

_NAME: Final = re.compile(r"ingestexp-(\d+)-(\d+)-(\d+)-[0-9a-f]+")
_REMOVE_WITHIN_S: Final = 5.0
_ENTER: Final = 'echo $$ > "$0/cgroup.procs" && exec "$@"'


class ControlGroup:
    """Implements `Enclosure`. Raises Unavailable where no such group can be made and entered."""

    def __init__(self, version: int, limit_bytes: int, parent: Path | None = None) -> None:
        self.enforced_by = CGROUP_V2 if version == 2 else CGROUP_V1
        self._version = version
        if parent is None:
            parent = parent_v2(own_group_v2()) if version == 2 else own_group_v1()
        remove_leftovers(parent)
        self.folder = parent / f"ingestexp-{_pid_namespace()}-{os.getpid()}-{_started_ticks(os.getpid())}-{_random()}"
        try:
            self.folder.mkdir()
        except OSError as error:
            raise Unavailable(f"{parent} may not be written: {error.strerror}") from error
        try:
            self._limit(limit_bytes)
            self._try_to_enter()
        except OSError as error:
            self.close()
            raise Unavailable(f"{self.folder} can't be limited: {error.strerror}") from error
        except Unavailable:
            self.close()
            raise

    def wrap(self, command: list[str]) -> list[str]:
        return ["/bin/sh", "-c", _ENTER, str(self.folder), *command]

    def entered(self, groups: str) -> None:
        pass

    def oom_kill_count(self) -> int | None:
        file = "memory.events" if self._version == 2 else "memory.oom_control"
        return counter(self.folder / file, "oom_kill")

    def peak_bytes(self) -> int | None:
        file = "memory.peak" if self._version == 2 else "memory.max_usage_in_bytes"
        try:
            return int((self.folder / file).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        remove_group(self.folder)

    def _limit(self, limit_bytes: int) -> None:
        """Memory and swap together: what is swapped out would be neither limited nor fast."""
        text = str(limit_bytes)
        if self._version == 2:
            _write(self.folder / "memory.max", text)
            if (self.folder / "memory.swap.max").exists():
                _write(self.folder / "memory.swap.max", "0")
            return
        _write(self.folder / "memory.limit_in_bytes", text)
        if (self.folder / "memory.memsw.limit_in_bytes").exists():
            _write(self.folder / "memory.memsw.limit_in_bytes", text)
        else:  # a kernel that does not account swap: then ask for none of it
            _write(self.folder / "memory.swappiness", "0")
        if counter(self.folder / "memory.oom_control", "oom_kill_disable"):
            _write(self.folder / "memory.oom_control", "0")

    def _try_to_enter(self) -> None:
        """A shell goes in and ends: what a user may make he may still not be allowed to enter."""
        tried = subprocess.run(self.wrap(["/bin/true"]), capture_output=True, text=True, check=False)
        if tried.returncode:
            raise Unavailable(f"{self.folder} can't be entered: {tried.stderr.strip()}")


def counter(file: Path, name: str) -> int | None:
    """The figure after `name` in a flat keyed file; None where there is none."""
    with contextlib.suppress(OSError, ValueError):
        for line in file.read_text(encoding="ascii").splitlines():
            key, _, figure = line.partition(" ")
            if key == name:
                return int(figure)
    return None


def remove_group(folder: Path) -> None:
    """Kill what is inside, again if it forks, and remove the folder; gives up after some seconds."""
    until_s = time.monotonic() + _REMOVE_WITHIN_S
    while folder.is_dir() and time.monotonic() < until_s:
        with contextlib.suppress(OSError):
            for pid in (folder / "cgroup.procs").read_text(encoding="ascii").split():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(int(pid), signal.SIGKILL)
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.005)  # a killed process leaves its group a little later


def remove_leftovers(parent: Path) -> None:
    """The groups of supervisors that were killed: their runs died with them."""
    with contextlib.suppress(OSError):
        for folder in parent.iterdir():
            named = _NAME.fullmatch(folder.name)
            if named is None or int(named[1]) != _pid_namespace():
                continue
            if _started_ticks(int(named[2])) != int(named[3]):
                remove_group(folder)


def _pid_namespace() -> int:
    """A pid means something only within it."""
    return Path("/proc/self/ns/pid").stat().st_ino


def _started_ticks(pid: int) -> int:
    """When the process began, in clock ticks since boot: a pid is used again. 0: there is none (or a dead one)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def _random() -> str:
    return secrets.token_hex(3)


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="ascii")
