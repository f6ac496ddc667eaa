"""What a failed batch becomes.

Must live here: one rule a strategy, from a failed attempt to a fate. Must not: queues, timers, cutting batches
(`isolation` carries a fate out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestexp.core.events import SendFailed
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


class ParkItems:
    """Dead-letter the items that the sink refused {id: why}; the others are sent again, unless the sink took them."""

    __slots__ = ("refused",)

    def __init__(self, refused: Mapping[int, str]) -> None:
        self.refused = refused


class _Fate:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


SKIP: Final = _Fate("SKIP")
"""Let all items of the batch go, and go on."""

SPLIT: Final = _Fate("SPLIT")
"""Send both halves by themselves, at once. Never of a single item."""

Fate = TryAgain | Park | ParkItems | _Fate


class OnFailure(Protocol):
    def fate(self, event: SendFailed) -> Fate:
        """What becomes of the batch after this failed attempt."""


class RetryBatch:
    """Abort and retry the batch as a whole, transient or not, until the attempts are used up (if ever)."""

    __slots__ = ("retry",)

    def __init__(self, retry: Retry) -> None:
        self.retry = retry

    def fate(self, event: SendFailed) -> Fate:
        return _again(self.retry, event) or Park("rejected" if event.permanent else "attempts_exhausted")


class SkipBatch:
    """What can't be sent is let go as a whole, the good items with the bad: the stream advances."""

    __slots__ = ("retry",)

    def __init__(self, retry: Retry) -> None:
        self.retry = retry

    def fate(self, event: SendFailed) -> Fate:
        again = None if event.permanent else _again(self.retry, event)
        return again or SKIP


class SplitAndRetry:
    """Bisect what is refused for good until the bad item stands alone; k of N cost O(k log N) more writes.

    A transient failure splits nothing: the whole batch is tried again.
    """

    __slots__ = ("retry",)

    def __init__(self, retry: Retry) -> None:
        self.retry = retry

    def fate(self, event: SendFailed) -> Fate:
        if not event.permanent:
            return _again(self.retry, event) or Park("attempts_exhausted")
        return SPLIT if event.batch.item_count > 1 else Park("rejected")


class ReportItems:
    """Only what the sink names is parked (partial batch response). Where it names nothing: as `SplitAndRetry`."""

    __slots__ = ("_unnamed",)

    def __init__(self, retry: Retry) -> None:
        self._unnamed = SplitAndRetry(retry)

    def fate(self, event: SendFailed) -> Fate:
        if event.permanent and event.item_errors:
            return ParkItems(event.item_errors)
        return self._unnamed.fate(event)


def _again(retry: Retry, event: SendFailed) -> TryAgain | None:
    """Splitting a batch is no failure of its halves: only what was tried again for counts."""
    failures = event.batch.failures + 1
    return None if retry.exhausted(failures) else TryAgain(retry.delay_ns(failures, event.uniform))
