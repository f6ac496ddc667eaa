"""What the host says of this process and itself, from /proc: cheap enough for every sample.

Must live here: reading and parsing. Must not: judging. A figure that this host does not offer is None.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestexp.engine.stall_probe import StallProbe

_TICKS_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class HostProbe:
    """Keeps the files open: a read is one system call. Owns `stalls`: closes it too."""

    def __init__(self, stalls: StallProbe | None = None) -> None:
        self._stalls = stalls
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


def _psi_total_us(text: bytes, kind: bytes) -> int | None:
    for line in text.splitlines():
        if line.startswith(kind):
            return int(line.rsplit(b"total=", 1)[1])
    return None
