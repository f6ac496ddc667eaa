"""The batches that are out: in flight at a worker, or between two attempts.

Must live here: who is where, and building the next attempt. Must not: when a batch is sent (`pipeline`), what a
failure means (`on_failure`, `isolation`).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from ingestexp.core.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.span import Span

AT_ONCE: Final = 0
"""Instead of the instant of the next attempt: before those that wait for theirs, in the order of the items."""


MOST_ATTEMPTS: Final = 32_000
"""As far as attempts are counted: the trace has two bytes for them."""


class Pending:
    """The whole of a failed batch, or a part of it, that is to be sent again."""

    __slots__ = ("cause", "failed", "failures", "item_count", "payload_bytes", "spans")

    def __init__(self, failed: Batch, spans: list[Span], cause: int, failures: int) -> None:
        self.failed = failed
        self.spans = spans
        self.cause = cause
        self.failures = failures
        if spans is failed.spans:
            self.item_count, self.payload_bytes = failed.item_count, failed.payload_bytes
        else:
            self.item_count = sum(span.end - span.first for span in spans)
            self.payload_bytes = sum(span.block.nbytes(span.first, span.end) for span in spans)


class Attempts:
    """`flying` by batch id; `waiting` a heap of (next attempt or AT_ONCE, first item, failed batch's id, pending)."""

    __slots__ = ("flying", "waiting")

    def __init__(self) -> None:
        self.flying: dict[int, Batch] = {}
        self.waiting: list[tuple[int, int, int, Pending]] = []

    def wait(self, at_ns: int, pending: Pending) -> None:
        """Keep it until `at_ns`."""
        failed = pending.failed
        order = pending.spans[0].first if at_ns == AT_ONCE else failed.batch_id
        heappush(self.waiting, (at_ns, order, failed.batch_id, pending))

    def again(self, batch_id: int, depth: int) -> Batch:
        """The next attempt of what is first in turn: a row of its own, first stamps kept."""
        pending = heappop(self.waiting)[3]
        failed = pending.failed
        batch = Batch(
            batch_id,
            pending.cause,
            pending.spans,
            pending.item_count,
            pending.payload_bytes,
            failed.opened_at_ns,
            failed.closed_at_ns,
            failed.limits,
            depth,
            failed.oldest_age_ns,
        )
        batch.attempt = min(failed.attempt + 1, MOST_ATTEMPTS)
        batch.failures = pending.failures
        batch.parent_batch_id = failed.batch_id
        batch.lineage = (failed.lineage, failed.batch_id)
        batch.first_sent_at_ns = failed.first_sent_at_ns
        return batch

    def give_up(self) -> Iterator[tuple[Span, str, Batch]]:
        """(span, reason, last attempt) of everything that is out, in flight first; forgets them."""
        for batch in self.flying.values():
            for span in batch.spans:
                yield span, "in_flight", batch
        for _, _, _, pending in sorted(self.waiting, key=lambda entry: (entry[2], entry[3].spans[0].first)):
            for span in pending.spans:
                yield span, "retrying", pending.failed
        self.flying.clear()
        self.waiting.clear()
