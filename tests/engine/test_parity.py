"""The live lanes and the simulated lane, fed the same script, get the same effects from the core.

Bursts stand so far apart (80 ms, windows of 15 ms) that a late thread can't change which trigger fires.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingestexp.core.control import Static
from ingestexp.core.effects import Dropped
from ingestexp.core.on_failure import RetryBatch
from ingestexp.core.pipeline import Pipeline
from ingestexp.core.policy import Overflow
from ingestexp.core.queue import Bounds
from ingestexp.core.retry import Retry
from ingestexp.core.window import Limits
from ingestexp.engine.blocks import make_block
from ingestexp.engine.drive import drive
from ingestexp.engine.simulated import SimulatedLane
from ingestexp.trace.tally import Tally
from tests.core.noting import batch_of, name_of
from tests.engine.rig import MS, DueTimes, HandSink, fails, run

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.core.batch import Batch
    from ingestexp.core.effects import Effect
    from ingestexp.core.events import Event

TRIES = 4
"""A busy machine may hold up a thread for longer than a window; then real time, not the driver, made the difference."""

BURSTS = (8, 3, 6, 1, 9, 4, 2)
"""Items a burst: full windows, aged ones, both; the last is met by the drain."""

TURNED_DOWN = {(0, 1), (8, 1), (8, 2), (18, 1), (18, 2), (18, 3)}
"""(first item id, attempt): a retry that succeeds, one that takes three attempts, one that is dead-lettered."""

EXPECTED = [
    ("Send", 0, 3, "size", 1, None),
    ("AttemptFailed", 0, 3, "size", 1, None),
    ("Send", 4, 7, "size", 1, None),
    ("Committed", 4, 7, "size", 1, None),
    ("Send", 0, 3, "retry", 2, 0),
    ("Committed", 0, 3, "retry", 2, 0),
    ("Send", 8, 10, "age", 1, None),
    ("AttemptFailed", 8, 10, "age", 1, None),
    ("Send", 8, 10, "retry", 2, 3),
    ("AttemptFailed", 8, 10, "retry", 2, 3),
    ("Send", 8, 10, "retry", 3, 4),
    ("Committed", 8, 10, "retry", 3, 4),
]
"""How the script begins, by hand; what follows is compared between the two."""


class Noting(Pipeline):
    """The same machine; keeps what it answered."""

    __slots__ = ("notes",)

    notes: list[tuple[Any, ...]]

    def handle(self, event: Event, now_ns: int) -> list[Effect]:
        effects = super().handle(event, now_ns)
        for effect in effects:
            batch = batch_of(effect)
            if batch is not None:
                self.notes.append((name_of(effect), *_facts(batch)))
            elif isinstance(effect, Dropped):
                self.notes.append(("Dropped", effect.span.first, effect.span.end - 1, effect.reason))
        return effects


def _facts(batch: Batch) -> tuple[Any, ...]:
    parent = batch.parent_batch_id if batch.parent_batch_id >= 0 else None
    causes = ("size", "bytes", "age", "drain", "split", "retry")
    return (batch.spans[0].first, batch.spans[-1].end - 1, causes[batch.cause], batch.attempt, parent)


def pipeline(ordered: bool) -> Noting:
    core = Noting(
        bounds=Bounds(100),
        overflow=Overflow.BLOCK,
        control=Static(Limits(4, 15 * MS)),
        on_failure=RetryBatch(Retry(3, 4 * MS, factor=1.0)),
        ordered=ordered,
    )
    core.notes = []
    return core


def due_ns() -> list[int]:
    return [burst * 80 * MS for burst, count in enumerate(BURSTS) for _ in range(count)]


class NoCost:
    def service_ns(self, item_count: int, payload_bytes: int) -> int:
        return 1_000


@pytest.mark.parametrize("ordered", [False, True])
def test_live_and_simulated_lanes_get_the_same_effects_from_the_same_script(tmp_path: Path, ordered: bool) -> None:
    due = due_ns()
    simulated = pipeline(ordered)
    tally = Tally()
    block = make_block(tally, 0, len(due), np.array(due, np.int64), 10, 0, None)
    lane = SimulatedLane(
        simulated,
        iter([block]),
        NoCost(),
        10_000 * MS,
        lambda: 0.5,
        fails=lambda batch: "scripted" if (batch.spans[0].first, batch.attempt) in TURNED_DOWN else None,
    )
    drive(lane, simulated, tally)

    for attempt in range(TRIES):
        live = pipeline(ordered)
        end = run(tmp_path / str(attempt), live, DueTimes(due, due[-1]), HandSink(fails(TURNED_DOWN)))
        assert end.error is None
        if live.notes == simulated.notes:
            break
    assert live.notes == simulated.notes
    if not ordered:
        assert live.notes[: len(EXPECTED)] == EXPECTED
    assert ("DeadLettered", 18, 21, "retry", 3) in {note[:5] for note in live.notes}
    assert live.notes[-1][:4] == ("Committed", 31, 32, "drain")
    assert live.committed == simulated.committed == len(due) - 4
