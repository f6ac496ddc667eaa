"""What the host says of this process and itself, from /proc: cheap enough for every sample.

Must live here: reading and parsing. Must not: judging. A figure that this host does not offer is None.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestexp.engine.stall_probe import StallProbe

_TICKS_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SHORTEST_SHARE_NS = 500_000_000


class HostProbe:
    """Keeps the files open: a read is one system call. Owns `stalls`: closes it too."""

    def __init__(self, stalls: StallProbe | None = None) -> None:
        self._stalls = stalls
        self._cores = os.sched_getaffinity(0)
        self._began_ns = time.monotonic_ns()
        self._own_began_ns = time.process_time_ns()
        self._busy_began_ns = _busy_ns(self._cores)
        self._statm = _open("/proc/self/statm")
        self._stat = _open("/proc/stat")
        self._psi_cpu = _open("/proc/pressure/cpu")
        self._psi_io = _open("/proc/pressure/io")

    def rss_bytes(self) -> int | None:
        text = _read(self._statm)
        return int(text.split()[1]) * _PAGE_BYTES if text else None

    def cpu_ns(self) -> int:
        """CPU time of this process, user and system."""
        return time.process_time_ns()

    def steal_ns(self) -> int | None:
        """Time the hypervisor gave to others, summed over all cores, since boot."""
        fields = _read(self._stat).split(b"\n", 1)[0].split()
        return int(fields[8]) * _TICKS_NS if len(fields) > 8 else None

    def psi_cpu_some_us(self) -> int | None:
        """Time that some task waited for a core, since boot (pressure stall information)."""
        return _psi_total_us(_read(self._psi_cpu), b"some")

    def psi_io_full_us(self) -> int | None:
        """Time that all tasks waited for I/O, since boot."""
        return _psi_total_us(_read(self._psi_io), b"full")

    def stall_max_ns(self) -> int | None:
        """The longest that a process which wanted to run had to wait, since the last look."""
        return self._stalls.max_ns() if self._stalls else None

    def disk_stall_max_ns(self) -> int | None:
        """The longest that the watched disk had requests in flight and completed none, since the last look."""
        return self._stalls.disk_max_ns() if self._stalls else None

    def others_cpu_ratio(self) -> float | None:
        """The share of this process's cores that other processes used, from the making of this probe until now.

        None within half a second: the kernel counts in ticks of 10 ms. The stall probe's own 1.5 % of a core is in it.
        """
        elapsed_ns = time.monotonic_ns() - self._began_ns
        busy_ns = _busy_ns(self._cores)
        if busy_ns is None or self._busy_began_ns is None or elapsed_ns < _SHORTEST_SHARE_NS:
            return None
        own_ns = time.process_time_ns() - self._own_began_ns
        return max(0, busy_ns - self._busy_began_ns - own_ns) / (elapsed_ns * len(self._cores))

    def close(self) -> None:
        if self._stalls is not None:
            self._stalls.close()
        for descriptor in (self._statm, self._stat, self._psi_cpu, self._psi_io):
            if descriptor >= 0:
                os.close(descriptor)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return -1


def _read(descriptor: int) -> bytes:
    if descriptor < 0:
        return b""
    try:
        return os.pread(descriptor, 4096, 0)
    except OSError:
        return b""


def _busy_ns(cores: set[int]) -> int | None:
    """Time that these cores ran anything at all (user, nice, system, interrupts), since boot."""
    try:
        lines = Path("/proc/stat").read_bytes().splitlines()
    except OSError:
        return None
    names = {b"cpu%d" % core for core in cores}
    fields = [line.split() for line in lines if line.split(maxsplit=1)[0] in names]
    return sum(int(row[at]) for row in fields for at in (1, 2, 3, 6, 7)) * _TICKS_NS if fields else None


def _psi_total_us(text: bytes, kind: bytes) -> int | None:
    for line in text.splitlines():
        if line.startswith(kind):
            return int(line.rsplit(b"total=", 1)[1])
    return None
