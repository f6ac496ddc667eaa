"""The source's lane where items come in envelopes: seal them ahead, offer them when due, inflate, admit their items.

Must live here: when an envelope is sealed, offered and inflated, and whose time that is. Must not: how (the sealer and
the decoder), what becomes of its items.

Sealing an envelope, a little ahead of its time, is the generator's work; inflating it is the pipeline's. One that falls
due while the lane inflates others was offered as due: it is the decoder that it waits for.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ingestexp.core.events import Arrived
from ingestexp.core.span import AS_DUE, Span
from ingestexp.decode_port import EnvelopeFate, EnvelopeRejected
from ingestexp.engine.blocks import make_block
from ingestexp.engine.source import LONGEST_SLEEP_S, TICK_S, SourceLane
from ingestexp.trace.records import Marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.core.events import Event
    from ingestexp.decode_port import Inflated
    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.engine.envelope_load import EnvelopedLoad
    from ingestexp.engine.floor import Floor
    from ingestexp.ports import Int32s, PayloadArray, Payloads

SEAL_AHEAD_NS: Final = 20_000_000


@dataclass(slots=True)
class _Draft:
    """Items first..first+count-1 of the load, or a bomb: then `body` is there from the start."""

    due_ns: int
    phase: int
    first: int
    count: int
    sizes: Int32s | None
    body: bytes = b""
    shape: str | None = None
    late_ns: int = 0
    """How long it was still being sealed when it was due already: the generator's lateness."""


class EnvelopeLane(SourceLane):
    """Item ids are given to what an envelope really held, when it is accepted: a rejected one has none."""

    def __init__(self, floor: Floor, load: EnvelopedLoad, payloads: Payloads, base_id: int = 0) -> None:
        """`base_id`: of the first item."""
        super().__init__(floor)
        self._load = load
        self._payloads = payloads
        self._envelopes = load.envelopes
        self._notes = load.notes
        self._drafts = self._draft()
        self._next = next(self._drafts, None)
        self._sealed: deque[_Draft] = deque()
        self._offering: _Draft | None = None
        self._envelope_id = 0
        self._item_id = base_id
        self._busy_from_ns = self._busy_until_ns = -1
        with suppress(EnvelopeRejected):  # the first time costs some milliseconds
            self._envelopes.decoder.decode(self._envelopes.sealer.seal(payloads.take(0, 64)))

    def events(self) -> Iterator[Event]:
        while self._sealed or self._next is not None:
            if not self._sealed:
                self._seal()
            if not self._due(self._sealed[0]):
                break
            yield from self._offer(self._sealed.popleft())
        yield from self._drain()

    def blocked_at_source(self, until_ns: int) -> Iterator[Span]:
        """The items of envelopes due by `until_ns` and never admitted, for the ledger: when the run has ended."""
        waiting = [self._offering] if self._offering is not None else []
        rest = itertools.chain(waiting, self._sealed, filter(None, [self._next]), self._drafts)
        for draft in itertools.takewhile(lambda each: each.due_ns <= until_ns, rest):
            count = 0 if draft.shape else draft.count
            first = self._item_id if count else None
            self._notes.note(self._fate(draft, None, None)._replace(item_count=count, first_item_id=first))
            if count:
                sizes = self._payloads.sizes(draft.first, count) if draft.sizes is None else draft.sizes
                block = self._block(draft, count, sizes, None)
                yield Span(block, block.first, block.end, AS_DUE, AS_DUE)
                self._item_id = block.end
            self._envelope_id += 1

    def _due(self, draft: _Draft) -> bool:
        """Wait until it is due and the policy lets it in, sealing others meanwhile; False if the run is over before."""
        floor = self._floor
        while not (self.closing or floor.finished):
            if floor.paused and self._blocked():
                return False
            now_ns = self.now_ns()
            if draft.due_ns <= now_ns:
                return True
            if self._next is not None and self._next.due_ns < now_ns + SEAL_AHEAD_NS:
                self._seal()
            else:
                time.sleep(min(max((draft.due_ns - now_ns) / 1e9, TICK_S), LONGEST_SLEEP_S))
        return False

    def _seal(self) -> None:
        draft = self._next
        assert draft is not None
        if draft.shape is None:
            started_ns = self.now_ns()
            items = self._payloads.take(draft.first, draft.count, draft.sizes)
            draft.body = self._envelopes.sealer.seal(items)
            draft.late_ns = max(0, self.now_ns() - max(started_ns, draft.due_ns))
        self._sealed.append(draft)
        self._next = next(self._drafts, None)

    def _offer(self, draft: _Draft) -> Iterator[Event]:
        """Inflate it and admit its items. If the run is over by then, it was never offered."""
        self._offering = draft
        started_ns = self.now_ns()
        fate = self._fate(draft, self._offered(draft, started_ns), started_ns)
        inflated: Inflated | None = None
        try:
            inflated = self._envelopes.decoder.decode(draft.body)
        except EnvelopeRejected as rejected:
            fate = fate._replace(
                inflated_bytes=rejected.inflated_bytes,
                outcome="rejected",
                reason=rejected.reason,
                detail=rejected.detail,
                body=draft.body,
            )
        decoded_at_ns = self.now_ns()
        with self._floor.turn:
            if self._floor.finished:
                return
            self._offering = None
            if inflated is not None:
                yield self._arrival(draft, inflated, fate)
        if inflated is not None:
            count = len(inflated.sizes)
            fate = fate._replace(inflated_bytes=inflated.inflated_bytes, item_count=count, first_item_id=self._item_id)
            self._item_id += count
        self._notes.note(fate._replace(decoded_at_ns=decoded_at_ns))
        self._envelope_id += 1
        self._busy_until_ns = self.now_ns()

    def _arrival(self, draft: _Draft, inflated: Inflated, fate: EnvelopeFate) -> Event:
        block = self._block(draft, len(inflated.sizes), inflated.sizes, inflated.items)
        self.at_ns = now_ns = self.now_ns()
        return Arrived(Span(block, block.first, block.end, fate.offered_at_ns or 0, now_ns))

    def _block(self, draft: _Draft, count: int, sizes: Int32s | int, owned: PayloadArray | None) -> EvenBlock:
        due_ns = np.full(count, draft.due_ns, np.int64)
        marks = Marks(envelope_ids=np.full(count, self._envelope_id, np.int64))
        return make_block(self._floor.recorder, self._item_id, count, due_ns, sizes, draft.phase, owned, marks)

    def _offered(self, draft: _Draft, now_ns: int) -> int:
        """When it was offered, ns.

        From `_busy_from_ns` to `_busy_until_ns` the lane was inflating, without a pause between envelopes.
        """
        if draft.due_ns <= self._floor.resumed_at_ns:
            return draft.due_ns
        if draft.due_ns <= self._busy_until_ns:
            return max(draft.due_ns + draft.late_ns, self._busy_from_ns)
        self._busy_from_ns = now_ns
        return now_ns

    def _fate(self, draft: _Draft, offered_ns: int | None, started_ns: int | None) -> EnvelopeFate:
        """What is known before it is inflated."""
        return EnvelopeFate(
            envelope_id=self._envelope_id,
            intended_at_ns=draft.due_ns,
            offered_at_ns=offered_ns,
            blocked_ns=None if offered_ns is None else max(0, self._floor.resumed_at_ns - offered_ns),
            decode_started_at_ns=started_ns,
            decoded_at_ns=None,
            codec=self._envelopes.decoder.codec,
            body_bytes=len(draft.body),
            inflated_bytes=None,
            item_count=None,
            first_item_id=None,
            outcome="unoffered" if offered_ns is None else "accepted",
            reason=None,
            detail=None,
            is_bomb=draft.shape is not None,
            shape=draft.shape,
            body=None,
        )

    def _draft(self) -> Iterator[_Draft]:
        """What is to be sealed, in order. An envelope never spans two phases of the load."""
        bombs = self._envelopes.bombs
        hostile = None if bombs is None else bombs.bodies()
        first = 0
        for made, each in enumerate(self._load.envelope_arrivals(), start=1):
            due_ns, count = int(each.due_ns[-1]), len(each.due_ns)
            yield _Draft(due_ns, each.phase, first, count, each.sizes)
            first += count
            if bombs is not None and hostile is not None and made % bombs.every == 0:
                shape, body = next(hostile)
                yield _Draft(due_ns, each.phase, first, 0, None, body, shape)
