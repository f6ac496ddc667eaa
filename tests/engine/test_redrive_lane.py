"""The lane of dead letters beside a load: its pace, its place in time, what it leaves when the run ends first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestexp.adapters.loads.constant import Constant
from ingestexp.adapters.payloads.random_bytes import RandomBytes
from ingestexp.core.policy import Overflow
from ingestexp.engine.live_run import LiveRun, RunEnd
from ingestexp.engine.redrive_lane import LATEST_DUE_NS, Redriving, Stretch
from ingestexp.engine.sampler import Sampler
from ingestexp.trace.id_space import IdSpace
from ingestexp.trace.ledger import balance, fates
from ingestexp.trace.records import Marks
from ingestexp.trace.writer import TraceWriter
from tests.core.script import Setup
from tests.engine.rig import MS, Gate, GateOpener, Hands, HandSink
from tests.trace.pages import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ingestexp.core.pipeline import Pipeline

BASE = 10_000


class Letters:
    """Stretches by hand: (first id, arrivals in ns before the calendar's `now`, refusal)."""

    def __init__(self, *stretches: tuple[int, Sequence[int], str | None]) -> None:
        self._stretches = stretches
        self.count = sum(len(arrived) for _, arrived, refusal in stretches if refusal is None)
        self.ids = np.sort([first + i for first, arrived, _ in stretches for i in range(len(arrived))])

    def stretches(self) -> Iterator[Stretch]:
        for first, arrived, refusal in self._stretches:
            sizes = np.full(len(arrived), 3, np.int32)
            payloads = pa.array([b"abc"] * len(arrived), pa.binary())
            marks = Marks(origin_run="before", redrive_round=2)
            yield Stretch(first, np.array(arrived, np.int64), sizes, payloads, marks, refusal)


def run(
    folder: Path, core: Pipeline, letters: Letters, rate_per_s: float, sink: HandSink, gate: Gate | None = None
) -> RunEnd:
    load = Constant(1_000, 0.1)
    writer = TraceWriter(folder, load.phases)
    recorder = GateOpener(writer)
    recorder.gate = gate
    sampler = Sampler(core, load, 5 * MS, writer, None)
    payloads = RandomBytes(10, 0.0, np.random.default_rng(1))
    redriving = Redriving(letters, rate_per_s, BASE)
    drain_ns = 10_000 * MS if gate is None else 50 * MS
    end = LiveRun(
        core, recorder, load, payloads, sink, lambda: 0.5, drain_ns, sampler, Hands(), redriving=redriving
    ).run()
    recorder.hand_over()
    sampler.flush(end.ended_at_ns, 0)
    writer.close()
    return end


def setup() -> Setup:
    return Setup(max_size=16, max_wait_ns=2 * MS)


def test_both_streams_are_through_and_the_ledger_balances_by_id(tmp_path: Path) -> None:
    letters = Letters((7, [1_000, 2_000], None), (100, [5_000], None))
    core = setup().pipeline()
    end = run(tmp_path, core, letters, 1_000, HandSink())
    space = IdSpace(core.offered - 3, BASE, letters.ids)
    ledger = balance(*fates(tmp_path, core.offered, space))
    assert (end.error, ledger.balanced, ledger.committed) == (None, True, 103)
    marked = rows_of(tmp_path, "items", ("item_id", "origin_run", "redrive_round"))
    assert sorted(row for row in marked if row[2]) == [(i, "before", 2) for i in (7, 8, 100)]
    assert min(row[0] for row in marked if not row[2]) == BASE


def test_the_load_does_not_end_the_run_while_dead_letters_are_still_to_come(tmp_path: Path) -> None:
    """30 at 100 a second beside a load of 100 ms: the last is offered 290 ms after the first, none before its turn."""
    core = setup().pipeline()
    run(tmp_path, core, Letters((0, [1] * 30, None)), 100, HandSink())
    rows = rows_of(tmp_path, "items", ("item_id", "offered_at_ns"))
    offered = sorted((item_id, at) for item_id, at in rows if item_id < BASE)
    assert len(offered) == 30
    first_ns = offered[0][1]
    assert all(at - first_ns >= item_id * 10 * MS - MS for item_id, at in offered)


def test_whenever_they_came_they_are_due_before_the_run_and_never_as_due_or_unknown(tmp_path: Path) -> None:
    """Of a calendar that was set back the arrival lies in the future: it counts as just before the run."""
    core = setup().pipeline()
    run(tmp_path, core, Letters((0, [5], None), (1, [1 << 62], None)), 1_000, HandSink())
    intended = dict(rows_of(tmp_path, "items", ("item_id", "intended_at_ns")))
    assert intended[1] == LATEST_DUE_NS == -3
    assert intended[0] < -(10**15)


def test_what_had_its_rounds_is_parked_and_never_sent(tmp_path: Path) -> None:
    core, sink = setup().pipeline(), HandSink()
    end = run(tmp_path, core, Letters((0, [5, 6], "had its rounds"), (2, [7], None)), 1_000, sink)
    assert end.parked_again == 2
    assert sink.read_back()[0] == 2
    letters = rows_of(tmp_path, "dead_letters", ("item_id", "reason", "error", "payload", "batch_id"))
    assert letters == [(i, "redrive_rounds", "had its rounds", b"abc", None) for i in (0, 1)]


def test_a_run_that_is_given_up_accounts_for_what_was_never_offered(tmp_path: Path) -> None:
    """The sink hangs, the queue is full and the policy blocks: neither stream gets through."""
    gate = Gate()
    core = Setup(capacity=8, max_size=4, overflow=Overflow.BLOCK).pipeline()
    letters = Letters((0, [1] * 200, None), (300, [2], "had its rounds"))
    end = run(tmp_path, core, letters, 1_000, HandSink(gate), gate)
    offered = core.offered + end.parked_again
    ledger = balance(*fates(tmp_path, offered, IdSpace(offered - 201, BASE, letters.ids)))
    assert (end.error, ledger.balanced, ledger.dead_lettered) == (None, True, 1)
    assert ledger.unsettled == offered - 1
