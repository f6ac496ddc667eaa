"""A live run on the stand: loads made by hand, sinks that wait, fail or break on command.

Must live here: doubles for the ports and the run around them. Must not: assertions.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from ingestexp.adapters.payloads.random_bytes import RandomBytes
from ingestexp.engine.live_run import LiveRun, RunEnd
from ingestexp.engine.sampler import Sampler
from ingestexp.ports import Arrivals, Settled, SinkBroken, TransientSinkError
from ingestexp.trace.recorder import Recorder
from ingestexp.trace.writer import TraceWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ingestexp.core.batch import Batch
    from ingestexp.core.pipeline import Pipeline
    from ingestexp.core.span import Span
    from ingestexp.ports import Int64s, Load, Saturate, Sink
    from ingestexp.spill_port import SpillStore

MS = 1_000_000


class DueTimes:
    """A load with the given due times, ns."""

    phases: tuple[str, ...] = ("steady",)

    def __init__(self, due_ns: Sequence[int], duration_ns: int) -> None:
        self._due_ns: Int64s = np.array(due_ns, np.int64)
        self.duration_ns = duration_ns
        self.expected_items = len(due_ns)

    def stretches(self, max_items: int) -> Iterator[Arrivals]:
        for first in range(0, len(self._due_ns), max_items):
            yield Arrivals(self._due_ns[first : first + max_items])


class HandSink:
    """Takes every batch that `rule` lets pass: it may wait, or raise."""

    name = "hand"
    durable = True
    simulated = False

    def __init__(self, rule: Callable[[Batch], None] = lambda batch: None) -> None:
        self._rule = rule
        self._ids: list[int] = []
        self.workers: set[int] = set()

    def open(self) -> None: ...

    def write(self, batch: Batch, worker: int) -> Settled:
        self.workers.add(worker)
        self._rule(batch)
        self._ids += [item_id for span in batch.spans for item_id in range(span.first, span.end)]
        return Settled(commits=1)

    def close(self) -> None: ...

    def read_back(self) -> Int64s:
        return np.sort(np.array(self._ids, np.int64))

    def describe(self) -> dict[str, object]:
        return {}


class Gate:
    """A rule for `HandSink`: from batch `first_id` on, writes wait until the gate is opened."""

    def __init__(self, first_id: int = 0) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self._first_id = first_id

    def __call__(self, batch: Batch) -> None:
        if batch.batch_id >= self._first_id:
            self.reached.set()
            assert self.opened.wait(20)


def breaks_at(batch_id: int) -> Callable[[Batch], None]:
    def rule(batch: Batch) -> None:
        if batch.batch_id == batch_id:
            raise SinkBroken("the disk under the sink is full")

    return rule


def fails(attempts: set[tuple[int, int]]) -> Callable[[Batch], None]:
    """Turn down the attempts (first item id, attempt number)."""

    def rule(batch: Batch) -> None:
        if (batch.spans[0].first, batch.attempt) in attempts:
            raise TransientSinkError("scripted")

    return rule


class Hands:
    """The user's: `interrupts_when` says how often Ctrl-C was pressed by now."""

    def __init__(self, interrupts_when: Callable[[], int] = lambda: 0) -> None:
        self._interrupts_when = interrupts_when

    def look(self, now_ns: int, core: Pipeline) -> None: ...

    def interrupts(self) -> int:
        return self._interrupts_when()


class GateOpener(Recorder):
    """Opens the gate once the run has given an item up: the write that hangs may go home."""

    gate: Gate | None = None

    def unsettled(self, span: Span, reason: str, batch: Batch | None) -> None:
        super().unsettled(span, reason, batch)
        if self.gate is not None:
            self.gate.opened.set()


def run(
    folder: Path,
    core: Pipeline,
    load: Load | Saturate,
    sink: Sink,
    drain_ns: int = 10_000 * MS,
    hands: Hands | None = None,
    gate: Gate | None = None,
    segment_ns: int = 1_000 * MS,
    spill: SpillStore | None = None,
) -> RunEnd:
    """One live run with 10-byte payloads; its evidence is closed under `folder`."""
    writer = TraceWriter(folder, load.phases)
    recorder = GateOpener(writer, segment_ns)
    recorder.gate = gate
    sampler = Sampler(core, load, 5 * MS, writer, None)
    payloads = RandomBytes(10, 0.0, np.random.default_rng(1))
    end = LiveRun(
        core, recorder, load, payloads, sink, lambda: 0.5, drain_ns, sampler, hands or Hands(), spill=spill
    ).run()
    recorder.hand_over()
    sampler.flush(end.ended_at_ns, 0)
    writer.close()
    return end
