"""The stall probe's own process: every two milliseconds, how late it woke and how long the disk has stood still.

Must live here: the loop, its end, the layout of the shared ring. Must not: any import beyond the standard library
(it is started by its path, with neither site-packages nor this package).
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import sys
import time

EVERY_NS = 2_000_000
"""A stall may be up to this much longer than it is seen. Each millisecond would cost 3 % of a core instead of 1.5 %,
two thirds of it the kernel's wake-up itself."""
RING = 32_768
"""Wakes that are kept: a minute. A power of two."""
SHARED_BYTES = 8 * (1 + 2 * RING)
"""The count of wakes ever made, a ring of latenesses, a ring of the disk's stalls (ns): 8 bytes each, written whole."""

_WAKES_PER_LOOK = 256
_WAKES_PER_DISK_LOOK = 4
_COMPLETED = (0, 4, 11, 15)
"""Reads, writes, discards, flushes. Old kernels know only the first."""
_IN_FLIGHT = 8
_PR_SET_PDEATHSIG, _PR_SET_TIMERSLACK = 1, 29


class DiskWatch:
    """A block device's counters (Linux, Documentation/block/stat.rst), read again at each look."""

    def __init__(self, stat: str) -> None:
        self._file = os.open(stat, os.O_RDONLY) if stat else -1
        self._completed = -1
        self._since_ns = 0

    def stands_still_ns(self, now_ns: int) -> int:
        """For how long it has had requests in flight and completed none, as far as looks can tell: rather less."""
        if self._file < 0:
            return 0
        fields = os.pread(self._file, 512, 0).split()
        completed = sum(int(fields[at]) for at in _COMPLETED if at < len(fields))
        if completed != self._completed or fields[_IN_FLIGHT] == b"0":
            self._completed, self._since_ns = completed, 0
            return 0
        self._since_ns = self._since_ns or now_ns
        return now_ns - self._since_ns


def watch(descriptor: int, parent: int, disk: DiskWatch) -> None:
    """Until the parent is gone. A wake is counted when its figures are in the rings: nobody reads half of one."""
    ring = memoryview(mmap.mmap(descriptor, SHARED_BYTES)).cast("B").cast("Q")
    wakes, mask, still = 0, RING - 1, 0
    clock, sleep = time.monotonic_ns, time.sleep
    now = clock()
    due = now + EVERY_NS
    while wakes % _WAKES_PER_LOOK or os.getppid() == parent:
        sleep((due - now) / 1e9)
        now = clock()
        ring[1 + (wakes & mask)] = max(0, now - due)
        if not wakes % _WAKES_PER_DISK_LOOK:
            still = disk.stands_still_ns(now)
        ring[1 + RING + (wakes & mask)] = still
        wakes += 1
        ring[0] = wakes
        due += EVERY_NS
        if due <= now:  # what was slept through counts once
            due = now + EVERY_NS


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the run, which ends us
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    watch(int(sys.argv[1]), int(sys.argv[2]), DiskWatch(sys.argv[3]))
