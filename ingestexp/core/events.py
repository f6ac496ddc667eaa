"""What the machine is told. The driver stamps, the core decides.

Slotted classes, not frozen dataclasses: these are made once or twice a batch (3 x faster).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestexp.core.batch import Batch
    from ingestexp.core.span import Span


class Arrived:
    """The load offers a span. Its `admitted_at_ns` is the instant that holds if there is room."""

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span = span


class SendSettled:
    """The sink took the whole batch durably."""

    __slots__ = ("batch",)

    def __init__(self, batch: Batch) -> None:
        self.batch = batch


class SendFailed:
    """The sink did not take the batch. `permanent`: nor would it later; `uniform` in [0, 1) is the jitter's draw.

    `item_errors` {item id: why} where the sink says which items it refuses; `others_taken`: the rest is committed.
    """

    __slots__ = ("batch", "item_errors", "others_taken", "permanent", "uniform")

    def __init__(
        self,
        batch: Batch,
        permanent: bool,
        uniform: float,
        item_errors: Mapping[int, str] | None = None,
        others_taken: bool = False,
    ) -> None:
        self.batch = batch
        self.permanent = permanent
        self.uniform = uniform
        self.item_errors = item_errors
        self.others_taken = others_taken


class Spilled:
    """The oldest `items` of those that were to be spilled are on disk for good."""

    __slots__ = ("items",)

    def __init__(self, items: int) -> None:
        self.items = items


class Unspilled:
    """What was asked for has been read: spans of new blocks, in order. After a STOP: what was left on disk."""

    __slots__ = ("spans",)

    def __init__(self, spans: list[Span]) -> None:
        self.spans = spans


class _Signal:
    """An event without content."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


TIMER_FIRED: Final = _Signal("TIMER_FIRED")
"""The instant asked for by the last WakeAt has come."""

DRAIN: Final = _Signal("DRAIN")
"""The load is over: send what is left, do not wait for windows to fill."""

STOP: Final = _Signal("STOP")
"""Give up: whatever has not settled is unsettled. Later events only add to that."""

SPILL_FULL: Final = _Signal("SPILL_FULL")
"""What is to be spilled next does not fit on the disk."""

SPILL_ROOM: Final = _Signal("SPILL_ROOM")
"""It does again."""

Event = Arrived | SendSettled | SendFailed | Spilled | Unspilled | _Signal
