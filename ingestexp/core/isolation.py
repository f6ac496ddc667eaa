"""Carries out what becomes of a failed batch: try again, let go, park, or cut it up.

Must live here: the spans of each part, and the room that what waits for another attempt takes up. Must not: which fate
it is (`on_failure`), when the next attempt is sent (`pipeline`).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from ingestexp.core.attempts import AT_ONCE, Attempts, Pending
from ingestexp.core.batch import FlushCause
from ingestexp.core.effects import AttemptFailed, DeadLettered, Effect, Parked, PartlyCommitted, Skipped
from ingestexp.core.on_failure import SPLIT, Park, ParkItems, TryAgain
from ingestexp.core.span import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ingestexp.core.batch import Batch
    from ingestexp.core.events import SendFailed
    from ingestexp.core.on_failure import OnFailure
    from ingestexp.core.policy import Admission

_RETRY, _SPLIT = int(FlushCause.RETRY), int(FlushCause.SPLIT)


class Isolation:
    """Counts items: `dead_lettered`, `skipped`, and `committed` of batches that were taken in part."""

    __slots__ = ("_admission", "_attempts", "committed", "dead_lettered", "on_failure", "skipped")

    def __init__(self, on_failure: OnFailure, admission: Admission, attempts: Attempts) -> None:
        self.on_failure = on_failure
        self._admission = admission
        self._attempts = attempts
        self.committed = self.dead_lettered = self.skipped = 0

    def fail(self, event: SendFailed, now_ns: int, effects: list[Effect]) -> None:
        """The batch is out of flight, its next attempts are not yet."""
        batch = event.batch
        fate = self.on_failure.fate(event)
        if isinstance(fate, TryAgain):
            batch.next_attempt_at_ns = now_ns + fate.delay_ns
            self._wait(batch.next_attempt_at_ns, batch, batch.spans, _RETRY, batch.failures + 1)
            effects.append(AttemptFailed(batch, event.permanent))
        elif isinstance(fate, Park):
            self.dead_lettered += batch.item_count
            effects.append(DeadLettered(batch, event.permanent, fate.reason))
        elif isinstance(fate, ParkItems):
            self._park(event, fate, now_ns, effects)
        elif fate is SPLIT:
            self._split(event, now_ns, effects)
        else:
            self.skipped += batch.item_count
            effects.append(Skipped(batch, event.permanent))

    def _park(self, event: SendFailed, fate: ParkItems, now_ns: int, effects: list[Effect]) -> None:
        batch = event.batch
        others, refused = parted(batch.spans, fate.refused)
        count = sum(span.end - span.first for span in refused)
        if not count:  # none of those that it names is in the batch
            self._split(event, now_ns, effects)
            return
        if event.others_taken:
            self.committed += batch.item_count - count
            effects.append(PartlyCommitted(batch, others))
        else:
            batch.next_attempt_at_ns = now_ns
            if others:
                self._wait(AT_ONCE, batch, others, _RETRY, batch.failures)
            effects.append(AttemptFailed(batch, event.permanent))
        self.dead_lettered += count
        effects.append(Parked(batch, refused, "rejected", fate.refused))

    def _split(self, event: SendFailed, now_ns: int, effects: list[Effect]) -> None:
        batch = event.batch
        if batch.item_count == 1:
            self.dead_lettered += 1
            effects.append(DeadLettered(batch, event.permanent, "rejected"))
            return
        batch.next_attempt_at_ns = now_ns
        for half in halves(batch):
            self._wait(AT_ONCE, batch, half, _SPLIT, batch.failures)
        effects.append(AttemptFailed(batch, event.permanent))

    def _wait(self, at_ns: int, failed: Batch, spans: list[Span], cause: int, failures: int) -> None:
        pending = Pending(failed, spans, cause, failures)
        self._admission.reserved_items += pending.item_count
        self._admission.reserved_bytes += pending.payload_bytes
        self._attempts.wait(at_ns, pending)


def halves(batch: Batch) -> tuple[list[Span], list[Span]]:
    """The batch's spans in two, of as many items (the first may have one fewer)."""
    left_count = batch.item_count // 2
    left: list[Span] = []
    right: list[Span] = []
    for span in batch.spans:
        end = min(span.end, span.first + left_count)
        left_count -= max(0, end - span.first)
        if span.first < end:
            left.append(_part(span, span.first, end))
        if end < span.end:
            right.append(_part(span, max(end, span.first), span.end))
    return left, right


def parted(spans: Sequence[Span], refused: Collection[int]) -> tuple[list[Span], list[Span]]:
    """(the others, the refused ones), each in order; an id that no span holds is nowhere."""
    others: list[Span] = []
    out: list[Span] = []
    ids = sorted(refused)
    for span in spans:
        first = span.first
        for item_id in ids[bisect_left(ids, span.first) : bisect_left(ids, span.end)]:
            if first < item_id:
                others.append(_part(span, first, item_id))
            if out and out[-1].block is span.block and out[-1].end == item_id > span.first:
                out[-1].end = item_id + 1
            else:
                out.append(_part(span, item_id, item_id + 1))
            first = item_id + 1
        if first < span.end:
            others.append(_part(span, first, span.end))
    return others, out


def _part(span: Span, first: int, end: int) -> Span:
    return Span(span.block, first, end, span.offered_at_ns, span.admitted_at_ns)
