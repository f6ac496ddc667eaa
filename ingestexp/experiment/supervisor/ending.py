"""What the end of a limited run is called.

Must live here: the rules, a pure function of what the supervisor saw. Must not: processes, files.

`oom_killed` is said only where the kernel's own counter says so. An allocation that was refused is a `failed` run:
nothing was proven but that this way of limiting refuses.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Final

from ingestexp.experiment.supervisor.enclosure import RLIMIT_DATA

EXIT_INTERRUPTED: Final = 130
REFUSALS: Final = ("bad_alloc", "MemoryError", "out of memory", "Cannot allocate memory", "can't start new thread")
"""What Python, C++ and pyarrow's allocators say on stderr before they give up."""


@dataclass(frozen=True, slots=True)
class Seen:
    """`status` and `reason`: the manifest's, None if there is none. `said`: the last that stderr heard."""

    limit_mb: float
    enforced_by: str
    code: int
    interrupts: int
    status: str | None
    reason: str | None
    has_begun: bool
    """The load has: the manifest has a baseline."""
    exhausted: str | None
    oom_kill_count: int | None
    peak_bytes: int | None
    said: str

    @property
    def limit(self) -> str:
        return f"memory.limit_mb={self.limit_mb:g} ({self.enforced_by})"


def ending(seen: Seen) -> tuple[str, str | None]:
    """(status, reason) for the manifest."""
    refused = refusal(seen)
    if seen.status not in (None, "running"):
        if seen.status == "failed" and refused and seen.has_begun:
            return "failed", f"out of memory, not killed: {seen.limit} refused an allocation ({refused})"
        if seen.status == "failed" and refused:
            return "failed", _too_small(seen, refused)
        if seen.status == "failed" and seen.oom_kill_count:
            return "failed", f"{seen.reason}; the kernel killed a process of the run at {seen.limit}"
        return str(seen.status), seen.reason
    if seen.oom_kill_count and seen.code == -signal.SIGKILL:
        if not seen.has_begun:
            return "failed", _too_small(seen, "the kernel killed it")
        return "oom_killed", f"the kernel killed it for memory at {seen.limit}{_elsewhere(seen)}"
    if refused:
        if not seen.has_begun:
            return "failed", _too_small(seen, refused)
        return "failed", f"out of memory, not killed: {seen.limit} refused an allocation ({refused})"
    if seen.interrupts and seen.code in (EXIT_INTERRUPTED, -signal.SIGINT):
        return "interrupted", "ended by the user before the load began"
    if seen.enforced_by == RLIMIT_DATA and not seen.has_begun and seen.code != -signal.SIGKILL:
        return "failed", _too_small(seen, _death(seen))  # libraries that start short of memory end in many ways
    return "crashed", _death(seen)


def refusal(seen: Seen) -> str | None:
    """What says that an allocation was refused: an error's words or the last of stderr's. None: nothing does."""
    if seen.enforced_by != RLIMIT_DATA:
        return None  # a control group never refuses: the error is of another making
    if seen.exhausted:
        return seen.exhausted
    if seen.code == -signal.SIGKILL:
        return None
    found = [line.strip() for line in seen.said.splitlines() if any(sign in line for sign in REFUSALS)]
    return found[-1][:200] if found else None


def _too_small(seen: Seen, how: str) -> str:
    return f"{seen.limit} is too small: the interpreter and its libraries need more, the load never began ({how})"


def _elsewhere(seen: Seen) -> str:
    """A kill far from the limit was another's doing, and the reader has to know."""
    if seen.peak_bytes is None or seen.peak_bytes >= 0.9 * seen.limit_mb * (1 << 20):
        return ""
    return f", but it held only {seen.peak_bytes / (1 << 20):,.0f} MB: a limit above it or the host ran out"


def _death(seen: Seen) -> str:
    if seen.code >= 0:
        lines = [line.strip() for line in seen.said.splitlines() if line.strip()]
        last = f": {lines[-1][:200]}" if lines else ""
        return f"its process ended with code {seen.code} and no word in the manifest{last}"
    try:
        name = signal.Signals(-seen.code).name
    except ValueError:
        name = f"signal {-seen.code}"
    counted = "" if seen.oom_kill_count is None else "; the kernel's counter says that it was not for memory"
    return f"its process was killed ({name}){counted if seen.code == -signal.SIGKILL else ''}"
