"""Ends a process with the one that made it.

Must live here: the kernel's parent-death signal. Must not: what anybody does before.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
EXIT_UNFORESEEN: Final = 70


def die_with_parent(parent: int) -> None:
    """Be killed when the parent is (its thread that made us, to be exact); at once if it is gone already."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(EXIT_UNFORESEEN)
