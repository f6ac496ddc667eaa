"""What a failed batch becomes.

Must live here: one rule a strategy, from a failed attempt to a fate. Must not: queues, timers (the pipeline keeps
what waits for its next attempt).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ingestexp.core.batch import Batch
    from ingestexp.core.retry import Retry


class TryAgain:
    """Send the same items again after `delay_ns`."""

    __slots__ = ("delay_ns",)

    def __init__(self, delay_ns: int) -> None:
        self.delay_ns = delay_ns


class Park:
    """Dead-letter all items of the batch."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class OnFailure(Protocol):
    def fate(self, batch: Batch, permanent: bool, uniform: float) -> TryAgain | Park:
        """What becomes of the batch after this failed attempt."""


class RetryBatch:
    """Abort and retry the batch as a whole, transient or not, until the attempts are used up."""

    __slots__ = ("retry",)

    def __init__(self, retry: Retry) -> None:
        self.retry = retry

    def fate(self, batch: Batch, permanent: bool, uniform: float) -> TryAgain | Park:
        if self.retry.exhausted(batch.attempt):
            return Park("rejected" if permanent else "attempts_exhausted")
        return TryAgain(self.retry.delay_ns(batch.attempt, uniform))
