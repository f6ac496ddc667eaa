"""The stall probe's own process: wakes every two milliseconds and writes down how late it was.

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
SHARED_BYTES = 8 * (1 + RING)
"""One count of wakes ever made, then the ring of latenesses in ns: 8 bytes each, written whole."""

_WAKES_PER_LOOK = 256
_PR_SET_PDEATHSIG, _PR_SET_TIMERSLACK = 1, 29


def watch(descriptor: int, parent: int) -> None:
    """Until the parent is gone. A lateness stands in the ring before it is counted: a reader never sees half of one."""
    ring = memoryview(mmap.mmap(descriptor, SHARED_BYTES)).cast("B").cast("Q")
    wakes, mask = 0, RING - 1
    clock, sleep = time.monotonic_ns, time.sleep
    now = clock()
    due = now + EVERY_NS
    while wakes % _WAKES_PER_LOOK or os.getppid() == parent:
        sleep((due - now) / 1e9)
        now = clock()
        ring[1 + (wakes & mask)] = max(0, now - due)
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
    watch(int(sys.argv[1]), int(sys.argv[2]))
