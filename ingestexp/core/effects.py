"""What the machine wants done. The driver obeys, in the order given, before it tells the next event.

Two effects come with every batch and are not wrapped (making an object costs as much as thirty lookups): a `Batch` by
itself is to be handed to a free worker, never more of them than workers are free; a `SendSettled` that is handed
back is to be taken note of: every item of its batch is committed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestexp.core.batch import Batch
from ingestexp.core.events import SendSettled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestexp.core.span import Span


class WakeAt:
    """Fire the one timer at `at_ns` (NEVER: do not); replaces the earlier wish."""

    __slots__ = ("at_ns",)

    def __init__(self, at_ns: int) -> None:
        self.at_ns = at_ns


class AttemptFailed:
    """The batch failed and will be tried again not before `batch.next_attempt_at_ns`."""

    __slots__ = ("batch", "permanent")

    def __init__(self, batch: Batch, permanent: bool) -> None:
        self.batch = batch
        self.permanent = permanent


class DeadLettered:
    """The batch failed for the last time: park its items. `reason` is a code of the trace's REASONS."""

    __slots__ = ("batch", "permanent", "reason")

    def __init__(self, batch: Batch, permanent: bool, reason: str) -> None:
        self.batch = batch
        self.permanent = permanent
        self.reason = reason


class Skipped:
    """The batch failed and all its items are let go."""

    __slots__ = ("batch", "permanent")

    def __init__(self, batch: Batch, permanent: bool) -> None:
        self.batch = batch
        self.permanent = permanent


class PartlyCommitted:
    """The sink took these spans of the batch, and no others."""

    __slots__ = ("batch", "spans")

    def __init__(self, batch: Batch, spans: list[Span]) -> None:
        self.batch = batch
        self.spans = spans


class Parked:
    """These spans of a batch whose attempt is noted already: dead-letter their items. `errors` {item id: why}."""

    __slots__ = ("batch", "errors", "reason", "spans")

    def __init__(self, batch: Batch, spans: list[Span], reason: str, errors: Mapping[int, str]) -> None:
        self.batch = batch
        self.spans = spans
        self.reason = reason
        self.errors = errors


class Dropped:
    """The overflow policy let these items go at `at_ns`."""

    __slots__ = ("at_ns", "reason", "span")

    def __init__(self, span: Span, reason: str, at_ns: int) -> None:
        self.span = span
        self.reason = reason
        self.at_ns = at_ns


class Spill:
    """Write these items to disk; their memory is needed until the disk says `Spilled`."""

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span = span


class Unspill:
    """Read so much of what is on disk, oldest first: all there is or as much as fits, one item at least."""

    __slots__ = ("max_bytes", "max_items")

    def __init__(self, max_items: int, max_bytes: int) -> None:
        self.max_items = max_items
        self.max_bytes = max_bytes


class LetGo:
    """These items are on disk: forget what is known of them, they come back as a block of their own."""

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span = span


class Unsettled:
    """The run ended before these items did. `batch` is their last attempt, None if they were never sent."""

    __slots__ = ("batch", "reason", "span")

    def __init__(self, span: Span, reason: str, batch: Batch | None) -> None:
        self.span = span
        self.reason = reason
        self.batch = batch


class _Order:
    """An effect without content."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


PAUSE: Final = _Order("PAUSE")
"""Stop offering: the queue is full and the policy is to block."""

RESUME: Final = _Order("RESUME")
"""Offer again. What fell due meanwhile is offered `AS_DUE`: its wait is the policy's doing, not lateness."""

Effect = (
    Batch
    | SendSettled
    | WakeAt
    | AttemptFailed
    | DeadLettered
    | Skipped
    | PartlyCommitted
    | Parked
    | Dropped
    | Spill
    | Unspill
    | LetGo
    | Unsettled
    | _Order
)
