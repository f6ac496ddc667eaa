"""The manifest's `memory`: what a process holds, and whether an error means that it was refused more.

Must live here: these facts as the run itself knows them. Must not: limits.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def first_memory(limit_mb: float | None) -> dict[str, Any]:
    """The manifest's `memory` before anything is known."""
    names = ("enforced_by", "baseline_bytes", "peak_bytes", "peak_rss_bytes", "oom_kill_count", "exhausted")
    return {"limit_mb": limit_mb, **dict.fromkeys(names)}


def own_rss_bytes() -> int | None:
    """Resident memory of this process now."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def own_peak_rss_bytes() -> int | None:
    """The most that was resident in this process so far."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def note_exhaustion(memory: dict[str, Any], error: BaseException) -> None:
    """Set `exhausted` in the manifest's `memory` if the error, or one that led to it, is a MemoryError."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError):
            memory["exhausted"] = " ".join(f"{type(seen).__name__} {seen}".split())
            return
        seen = seen.__cause__ or seen.__context__
