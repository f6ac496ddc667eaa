"""Where threads run and how sharply they wake. Linux only; elsewhere, or when refused, nothing happens.

Must live here: affinity and timer slack. Must not: which thread does what.
"""

from __future__ import annotations

import contextlib
import ctypes
import os

_PR_SET_TIMERSLACK = 29


def split_cores() -> tuple[int | None, frozenset[int]]:
    """(the source's own core, the cores of everything else). With one core the source has none of its own."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return None, frozenset(cores)
    return cores[-1], frozenset(cores[:-1])


def pin_thread(cores: frozenset[int]) -> None:
    """Keep the calling thread on these cores."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, cores)


def sharpen_timer() -> None:
    """Let the calling thread's sleeps end within a microsecond of their time (the default slack is 50 us)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
