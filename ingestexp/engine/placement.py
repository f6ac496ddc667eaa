"""What a run asks of its interpreter and kernel: where threads run, how sharply they wake, when garbage is looked for.

Must live here: affinity, timer slack, the collector. Must not: which thread does what.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os

_PR_SET_TIMERSLACK = 29


def all_cores() -> frozenset[int]:
    """The cores that this process may use."""
    return frozenset(os.sched_getaffinity(0))


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


_PATIENT = (20_000, 50, 100)
_default_thresholds = gc.get_threshold()
_frozen_for_good = False


def freeze_for_good() -> None:
    """For a process of many runs: what is there now is never looked through again, run by run."""
    global _frozen_for_good
    gc.collect()
    gc.freeze()
    _frozen_for_good = True


def calm_collector() -> None:
    """Collect now and leave what is there alone: a full collection in the middle of a run costs 8 to 17 ms."""
    gc.collect()
    if not _frozen_for_good:
        gc.freeze()
    gc.set_threshold(*_PATIENT)


def wake_collector() -> None:
    """As it was before (DuckDB prints leak notices about objects that are still frozen at the end)."""
    gc.set_threshold(*_default_thresholds)
    if not _frozen_for_good:
        gc.unfreeze()
