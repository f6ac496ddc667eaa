"""Is the process that wrote a manifest still there?

Must live here: pids, and that they are used again. Must not: what follows from it.
"""

from __future__ import annotations

import os
from pathlib import Path


def runs_since(pid: object, manifest: Path) -> bool:
    """Whether the process is there and was there when the manifest was written (a pid is used again)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        state, started_ticks = fields[0], int(fields[19])
        boot_s = next(
            int(line.split()[1])
            for line in Path("/proc/stat").read_text(encoding="utf-8").splitlines()
            if line.startswith("btime")
        )
    except (OSError, StopIteration, ValueError, IndexError):
        return False
    started_s = boot_s + started_ticks / os.sysconf("SC_CLK_TCK")
    return state != "Z" and started_s <= manifest.stat().st_mtime + 2
