"""When a batch closes: `max_size` items (items, never bytes), `max_bytes`, or the age of the oldest item.

Must live here: the limits and the closing rule. Must not: who moves the limits (`control`), who sends.
"""

from __future__ import annotations

from typing import Final

from ingestexp.core.batch import FlushCause
from ingestexp.core.span import NEVER

OPEN: Final = -1
"""Instead of a flush cause: the window stays open."""

_SIZE, _BYTES, _AGE, _DRAIN = (int(cause) for cause in list(FlushCause)[:4])


class Limits:
    """A window's limits: `max_size` items, `max_wait_ns` (NEVER: no timer), `max_bytes` (NEVER: none).

    An item larger than `max_bytes` travels in a batch of its own.
    """

    __slots__ = ("max_bytes", "max_size", "max_wait_ns")

    def __init__(self, max_size: int, max_wait_ns: int = NEVER, max_bytes: int = NEVER) -> None:
        self.max_size = max_size
        self.max_wait_ns = max_wait_ns
        self.max_bytes = max_bytes

    def __repr__(self) -> str:
        return f"Limits(max_size={self.max_size}, max_wait_ns={self.max_wait_ns}, max_bytes={self.max_bytes})"


def flush_cause(items: int, nbytes: int, age_ns: int, limits: Limits, draining: bool) -> int:
    """Why a batch of the waiting `items` would close now, or OPEN. `age_ns` counts from the oldest one's admission.

    A full window is `size` or `bytes` even when its oldest item is over age too: it is bound by throughput.
    """
    if items >= limits.max_size:
        return _SIZE
    if nbytes >= limits.max_bytes:
        return _BYTES
    if age_ns >= limits.max_wait_ns:
        return _AGE
    return _DRAIN if draining else OPEN


def closed_at_ns(cause: int, opened_at_ns: int, last_arrival_ns: int, limits: Limits, drained_at_ns: int) -> int:
    """When the window closed; what comes after is the wait for a free worker, not the window's."""
    if cause == _AGE:
        return max(opened_at_ns + limits.max_wait_ns, last_arrival_ns)
    if cause == _DRAIN:
        return max(drained_at_ns, last_arrival_ns)
    return last_arrival_ns
