"""When a batch closes: `max_size` items (items, never bytes), `max_bytes`, or the age of the oldest item.

Must live here: the limits and the closing rule. Must not: who moves the limits (`control`), who sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestexp.core.batch import Batch, FlushCause
from ingestexp.core.span import NEVER

if TYPE_CHECKING:
    from ingestexp.core.queue import ItemQueue

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


def close_batch(
    batch_id: int, queue: ItemQueue, limits: Limits, now_ns: int, drained_at_ns: int, forced: int = OPEN
) -> Batch | None:
    """Take the next batch out of a queue that is not empty, or None while its window stays open.

    Age counts from the oldest item's admission. A full window is `size` or `bytes` even when its oldest item is over
    age too: it is bound by throughput. After `drained_at_ns` (NEVER: the load goes on) nothing waits to fill up.
    `forced` is the cause of a batch that closes although no limit is reached.
    """
    depth, nbytes = queue.items, queue.nbytes
    head = queue.spans[0]
    opened_ns = head.admitted_at_ns
    if opened_ns < 0:
        opened_ns = head.block.due(head.first)
    if depth >= limits.max_size:
        cause = _SIZE
    elif nbytes >= limits.max_bytes:
        cause = _BYTES
    elif now_ns - opened_ns >= limits.max_wait_ns:
        cause = _AGE
    elif drained_at_ns < NEVER:
        cause = _DRAIN
    elif forced != OPEN:
        cause = forced
    else:
        return None
    spans = queue.take(limits)
    item_count = depth - queue.items
    payload_bytes = nbytes - queue.nbytes
    closed_ns = opened_ns
    if cause or limits.max_size > 1:  # else one item is a full batch: it closed as it opened
        if item_count > 1:
            last = spans[-1]
            closed_ns = last.arrival_of(last.end - 1)
        if cause == _SIZE and item_count < limits.max_size:
            cause = _BYTES
        if cause == _DRAIN:
            closed_ns = max(drained_at_ns, closed_ns)
        elif cause == _BYTES and payload_bytes < limits.max_bytes and queue.items:
            closed_ns = queue.first_arrival_ns()  # of the item that no longer fitted
        overdue_ns = opened_ns + limits.max_wait_ns
        if closed_ns > overdue_ns or cause == _AGE:
            closed_ns = overdue_ns  # whoever joined later waited for a worker, not for the window
    return Batch(
        batch_id, cause, spans, item_count, payload_bytes, opened_ns, closed_ns, limits, depth, now_ns - opened_ns
    )
