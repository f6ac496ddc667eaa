"""The batches that are out: in flight at a worker, or between two attempts.

Must live here: who is where, and building the next attempt. Must not: when a batch is sent (`pipeline`), what a
failure means (`on_failure`).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from ingestexp.core.batch import Batch, FlushCause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.span import Span

_RETRY = int(FlushCause.RETRY)


class Attempts:
    """`flying` by batch id; `waiting` a heap of (next attempt, batch id, failed batch)."""

    __slots__ = ("flying", "waiting")

    def __init__(self) -> None:
        self.flying: dict[int, Batch] = {}
        self.waiting: list[tuple[int, int, Batch]] = []

    def wait(self, failed: Batch) -> None:
        """Keep the failed batch until its `next_attempt_at_ns`."""
        heappush(self.waiting, (failed.next_attempt_at_ns, failed.batch_id, failed))

    def again(self, batch_id: int, depth: int) -> tuple[Batch, Batch]:
        """(the failed batch that waited longest, its next attempt): a row of its own, first stamps kept."""
        failed = heappop(self.waiting)[2]
        batch = Batch(
            batch_id,
            _RETRY,
            failed.spans,
            failed.item_count,
            failed.payload_bytes,
            failed.opened_at_ns,
            failed.closed_at_ns,
            failed.limits,
            depth,
            failed.oldest_age_ns,
        )
        batch.attempt = failed.attempt + 1
        batch.parent_batch_id = failed.batch_id
        batch.first_sent_at_ns = failed.first_sent_at_ns
        return failed, batch

    def give_up(self) -> Iterator[tuple[Span, str, Batch]]:
        """(span, reason, last attempt) of everything that is out, in flight first; forgets them."""
        for batch in self.flying.values():
            for span in batch.spans:
                yield span, "in_flight", batch
        for _, _, batch in sorted(self.waiting, key=lambda entry: entry[1]):
            for span in batch.spans:
                yield span, "retrying", batch
        self.flying.clear()
        self.waiting.clear()
