"""The one loop: for every event of a lane, ask the core, do what it says.

Must live here: the loop and what it needs of a lane and of a recorder. Must not: waiting, clocks, threads
(`live`), jumping (`simulated`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from ingestexp.core.batch import Batch
from ingestexp.core.effects import (
    PAUSE,
    AttemptFailed,
    DeadLettered,
    Dropped,
    LetGo,
    Parked,
    PartlyCommitted,
    Skipped,
    Spill,
    Unsettled,
    Unspill,
    WakeAt,
)
from ingestexp.core.events import SendSettled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingestexp.core.effects import Effect
    from ingestexp.core.events import Event
    from ingestexp.core.pipeline import Pipeline
    from ingestexp.core.span import Span
    from ingestexp.engine.blocks import EvenBlock


class Lane(Protocol):
    """A source of events that also carries out what the core wants of the world around it."""

    at_ns: int
    """When the event that was told last happened."""

    def events(self) -> Iterator[Event]: ...

    def send(self, batch: Batch) -> None: ...

    def wake_at(self, at_ns: int) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def spill(self, span: Span) -> None: ...

    def unspill(self, max_items: int, max_bytes: int) -> None: ...


class NoSpill:
    """For the lanes of a run whose policy spills nothing."""

    def spill(self, span: Span) -> None:
        raise NotImplementedError(f"no disk to spill {span} to")

    def unspill(self, max_items: int, max_bytes: int) -> None:
        raise NotImplementedError("no disk to read from")


class Recording(Protocol):
    """Who takes note: `trace.recorder.Recorder`, or `Tally` when the trace is off."""

    def register(self, first: int, count: int, due_ns: Any, sizes: Any, phase: int, marks: Any = None) -> int: ...

    def committed(self, batch: Batch) -> None: ...

    def attempt_failed(self, batch: Batch, permanent: bool) -> None: ...

    def dead_lettered(self, batch: Batch, permanent: bool, reason: str) -> None: ...

    def skipped(self, batch: Batch, permanent: bool) -> None: ...

    def partly_committed(self, batch: Batch, spans: list[Span]) -> None: ...

    def parked(self, batch: Batch, spans: list[Span], reason: str, errors: Mapping[int, str]) -> None: ...

    def dropped(self, span: Span, reason: str, at_ns: int) -> None: ...

    def unsettled(self, span: Span, reason: str, batch: Batch | None) -> None: ...

    def let_go(self, span: Span) -> None: ...

    def tick(self, now_ns: int) -> None: ...

    def hand_over(self) -> None: ...


def drive(lane: Lane, core: Pipeline, recorder: Recording) -> None:
    """Run the lane to its end."""
    handle, send, committed = core.handle, lane.send, recorder.committed
    for event in lane.events():
        for effect in handle(event, lane.at_ns):
            kind = type(effect)
            if kind is Batch:
                send(effect)  # type: ignore[arg-type]
            elif kind is SendSettled:
                committed(effect.batch)  # type: ignore[union-attr, arg-type]
            else:
                obey(effect, lane, recorder)


def obey(effect: Effect, lane: Lane, recorder: Recording) -> None:
    """Carry out one effect."""
    if isinstance(effect, WakeAt):
        lane.wake_at(effect.at_ns)
    elif isinstance(effect, Batch):
        lane.send(effect)
    elif isinstance(effect, SendSettled):
        recorder.committed(effect.batch)
    elif isinstance(effect, Dropped):
        recorder.dropped(effect.span, effect.reason, effect.at_ns)
        cast("EvenBlock", effect.span.block).forget(effect.span.first, effect.span.end)
    elif isinstance(effect, AttemptFailed):
        recorder.attempt_failed(effect.batch, effect.permanent)
    elif isinstance(effect, DeadLettered):
        recorder.dead_lettered(effect.batch, effect.permanent, effect.reason)
    elif isinstance(effect, Parked):
        recorder.parked(effect.batch, effect.spans, effect.reason, effect.errors)
    elif isinstance(effect, PartlyCommitted):
        recorder.partly_committed(effect.batch, effect.spans)
    elif isinstance(effect, Skipped):
        recorder.skipped(effect.batch, effect.permanent)
    elif isinstance(effect, Unsettled):
        recorder.unsettled(effect.span, effect.reason, effect.batch)
    elif isinstance(effect, Spill):
        lane.spill(effect.span)
    elif isinstance(effect, LetGo):
        recorder.let_go(effect.span)
    elif isinstance(effect, Unspill):
        lane.unspill(effect.max_items, effect.max_bytes)
    elif effect is PAUSE:
        lane.pause()
    else:
        lane.resume()
