"""What holds a process within its memory: the four ways share this face.

Must live here: the Protocol, the names of the ways, the weakest of them (a resource limit). Must not: which way is
taken (`choice`).
"""

from __future__ import annotations

from typing import Final, Protocol

CGROUP_V2, CGROUP_V1, SYSTEMD_RUN, RLIMIT_DATA = "cgroup v2", "cgroup v1", "systemd-run", "RLIMIT_DATA"
WAYS: Final = (CGROUP_V2, CGROUP_V1, SYSTEMD_RUN, RLIMIT_DATA)
"""The best first. `memory.enforced_by` in the manifest is one of them."""


class Unavailable(Exception):
    """This way does not exist on this host, or not for this user: why, in one sentence."""


class Enclosure(Protocol):
    """One run's limit. Made before its process, closed after it."""

    enforced_by: str

    def wrap(self, command: list[str]) -> list[str]:
        """The command that starts inside: the interpreter's own memory counts."""

    def entered(self, groups: str) -> None:
        """The process is in; `groups` is its /proc/self/cgroup."""

    def oom_kill_count(self) -> int | None:
        """Processes inside that the kernel killed for memory; None: nobody counts."""

    def peak_bytes(self) -> int | None:
        """The most that was charged, page cache included; None: not known."""

    def close(self) -> None:
        """Kill whatever is left inside and leave nothing behind. Idempotent."""


class ResourceLimit:
    """RLIMIT_DATA: the heap and private writable mappings of each process, by address space, not by what is resident.

    The kernel never kills for it: an allocation fails, and what the run makes of that is a MemoryError or an abort.
    """

    enforced_by = RLIMIT_DATA

    def __init__(self, limit_bytes: int) -> None:
        self._kb = limit_bytes // 1024

    def wrap(self, command: list[str]) -> list[str]:
        return ["/bin/sh", "-c", 'ulimit -d "$0" && exec "$@"', str(self._kb), *command]

    def entered(self, groups: str) -> None:
        pass

    def oom_kill_count(self) -> int | None:
        return None

    def peak_bytes(self) -> int | None:
        return None

    def close(self) -> None:
        pass
