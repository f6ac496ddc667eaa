"""Rows, not objects: the core moves ranges of item ids over an opaque block.

Must live here: the `Span` and what the core may ask of a block. Must not: payload bytes, clocks,
anything per item.

An item is its id (dense, 0..n-1, in order of intended arrival). Instants are int64 nanoseconds from
the run's start.
"""

from __future__ import annotations

from typing import Final, Protocol

AS_DUE: Final = -1
"""Instead of an instant: each item of the span at its own due time."""

UNKNOWN: Final = -2
"""Instead of an instant: this stage was not reached (NULL in the trace)."""

NEVER: Final = 1 << 62
"""Later than every instant."""


class Block(Protocol):
    """The arrivals that a span points into. Ids are absolute, ranges are half-open."""

    def due(self, item_id: int) -> int:
        """Intended arrival of the item, ns."""

    def nbytes(self, first: int, end: int) -> int:
        """Payload bytes of the items first..end-1."""

    def fit(self, first: int, end: int, budget: int) -> int:
        """The largest e in first..end such that nbytes(first, e) <= budget."""


class Span:
    """Items `first`..`end`-1 of one block, offered and admitted together.

    `offered_at_ns` and `admitted_at_ns` are an instant, `AS_DUE` or `UNKNOWN`. `nbytes` is kept by the queue, while the
    span waits in it.
    """

    __slots__ = ("admitted_at_ns", "block", "end", "first", "nbytes", "offered_at_ns")

    nbytes: int

    def __init__(self, block: Block, first: int, end: int, offered_at_ns: int, admitted_at_ns: int) -> None:
        self.block = block
        self.first = first
        self.end = end
        self.offered_at_ns = offered_at_ns
        self.admitted_at_ns = admitted_at_ns

    def __len__(self) -> int:
        return self.end - self.first

    def __repr__(self) -> str:
        return f"Span({self.first}..{self.end}, offered={self.offered_at_ns}, admitted={self.admitted_at_ns})"

    def arrival_of(self, item_id: int) -> int:
        """When the item entered the queue, ns."""
        return self.admitted_at_ns if self.admitted_at_ns >= 0 else self.block.due(item_id)
