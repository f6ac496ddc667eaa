"""Effects as plain values, for comparisons.

Must live here: what an effect says. Must not: how the core comes to it.
"""

from __future__ import annotations

from typing import Any

from ingestexp.core.batch import Batch
from ingestexp.core.effects import (
    AttemptFailed,
    DeadLettered,
    Dropped,
    Effect,
    LetGo,
    Spill,
    Unsettled,
    Unspill,
    WakeAt,
)
from ingestexp.core.events import SendSettled


def batch_of(effect: Effect) -> Batch | None:
    """The batch that is sent, or whose attempt ended."""
    if isinstance(effect, Batch):
        return effect
    return effect.batch if isinstance(effect, SendSettled | AttemptFailed | DeadLettered) else None


def name_of(effect: Effect) -> str:
    """What the effect says; the two that come with every batch have no class of their own."""
    return {Batch: "Send", SendSettled: "Committed"}.get(type(effect), type(effect).__name__)


def note(effect: Effect) -> tuple[Any, ...]:
    """An effect's content as plain values, for comparisons."""
    batch = batch_of(effect)
    if batch is not None:
        spans = tuple((span.first, span.end) for span in batch.spans)
        facts = (batch.batch_id, batch.cause, batch.attempt, batch.parent_batch_id, spans, batch.next_attempt_at_ns)
        return (name_of(effect), *facts, batch.opened_at_ns, batch.closed_at_ns, batch.first_sent_at_ns)
    if isinstance(effect, Dropped | Unsettled):
        return (type(effect).__name__, effect.span.first, effect.span.end, effect.reason)
    if isinstance(effect, Spill | LetGo):
        return (type(effect).__name__, effect.span.first, effect.span.end)
    if isinstance(effect, Unspill):
        return ("Unspill", effect.max_items)
    if isinstance(effect, WakeAt):
        return ("WakeAt", effect.at_ns)
    return (repr(effect),)
