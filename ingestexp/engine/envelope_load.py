"""A load whose items arrive in envelopes: it wraps any other.

Must live here: which arrivals share an envelope, and when it is due. Must not: bodies, waiting (`envelope_lane`).

An envelope is due when its last item is: then it could be sealed. Its items are intended then, all at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingestexp.ports import Arrivals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.decode_port import EnvelopeNotes, Envelopes
    from ingestexp.ports import Load

_STRETCH_ITEMS = 8192


class EnvelopedLoad:
    """Implements `ports.Load`, with how its envelopes are made and opened, and who takes note of them."""

    def __init__(self, load: Load, envelopes: Envelopes, notes: EnvelopeNotes) -> None:
        self.phases = load.phases
        self.duration_ns = load.duration_ns
        self.expected_items = load.expected_items
        self.envelopes = envelopes
        self.notes = notes
        self._load = load

    def stretches(self, max_items: int) -> Iterator[Arrivals]:
        """Every item at its envelope's due time, an envelope (or a part of it) a stretch."""
        for each in self.envelope_arrivals():
            each.due_ns = np.full(len(each.due_ns), each.due_ns[-1], np.int64)
            for start in range(0, len(each.due_ns), max_items):
                yield _part(each, start, start + max_items)

    def envelope_arrivals(self) -> Iterator[Arrivals]:
        """The arrivals of each envelope as the load has them; fewer than `items_per_envelope` where a phase ends."""
        per_envelope = self.envelopes.items_per_envelope
        kept: Arrivals | None = None
        for stretch in self._load.stretches(_STRETCH_ITEMS):
            if kept is not None and kept.phase == stretch.phase:
                stretch = _joined(kept, stretch)
            elif kept is not None:
                yield kept
            count = len(stretch.due_ns)
            whole = count - count % per_envelope
            for start in range(0, whole, per_envelope):
                yield _part(stretch, start, start + per_envelope)
            kept = _part(stretch, whole, count) if whole < count else None
        if kept is not None:
            yield kept


def _part(arrivals: Arrivals, start: int, end: int) -> Arrivals:
    sizes = None if arrivals.sizes is None else arrivals.sizes[start:end]
    return Arrivals(arrivals.due_ns[start:end], sizes, arrivals.phase)


def _joined(first: Arrivals, second: Arrivals) -> Arrivals:
    sizes = None
    if first.sizes is not None and second.sizes is not None:
        sizes = np.concatenate([first.sizes, second.sizes])
    return Arrivals(np.concatenate([first.due_ns, second.due_ns]), sizes, second.phase)
