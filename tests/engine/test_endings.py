"""How a live run ends: by itself, at the deadline, by the user, by a broken sink. The ledger is whole in every case."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from ingestexp.adapters.loads.constant import Constant
from ingestexp.adapters.sinks.null import NullSink
from ingestexp.core.on_failure import ReportItems
from ingestexp.core.policy import Overflow
from ingestexp.ports import Saturate, Settled, SinkBroken
from ingestexp.trace.ledger import audit_readback, balance, fates
from tests.core.script import Setup
from tests.engine.rig import MS, DueTimes, Gate, Hands, HandSink, breaks_at, fails, run
from tests.trace.pages import rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.core.batch import Batch
    from ingestexp.core.pipeline import Pipeline


def reasons(folder: Path) -> Counter[str]:
    return Counter(reason or outcome for outcome, reason in rows_of(folder, "items", ("outcome", "reason")))


def test_a_load_that_is_over_and_settled_ends_the_run_and_the_sink_holds_what_was_committed(tmp_path: Path) -> None:
    core, sink = Setup(max_size=64, max_wait_ns=2 * MS).pipeline(), HandSink()
    end = run(tmp_path, core, Constant(20_000, 0.05), sink)
    by_id, repeated = fates(tmp_path, 1_000)
    assert (end.error, end.interrupted) == (None, False)
    assert balance(by_id, repeated).committed == core.committed == 1_000
    assert audit_readback(by_id, sink.read_back()).ok
    assert 50 * MS <= end.ended_at_ns < 5_000 * MS


def test_an_empty_load_ends_at_once(tmp_path: Path) -> None:
    end = run(tmp_path, Setup().pipeline(), DueTimes([], 0), HandSink())
    assert end.error is None
    assert rows_of(tmp_path, "items") == []


@pytest.mark.parametrize("count", [40, 5_000, 20_000])
def test_at_the_deadline_every_item_due_says_where_it_was_stuck(tmp_path: Path, count: int) -> None:
    """The sink's first write hangs: its batch is in flight, the queue is full, the rest never left the source."""
    gate = Gate()
    core = Setup(capacity=8, max_size=4).pipeline()
    due_ns = [item_id * 40 * MS // count for item_id in range(count)]
    end = run(tmp_path, core, DueTimes(due_ns, 40 * MS), HandSink(gate), drain_ns=100 * MS, gate=gate)
    assert end.error is None
    assert reasons(tmp_path) == {"in_flight": 4, "queued": 8, "blocked": count - 12}
    assert sorted(rows_of(tmp_path, "items", ("item_id", "intended_at_ns"))) == list(enumerate(due_ns))
    for outcome, offered, intended, settled in rows_of(
        tmp_path, "items", ("outcome", "offered_at_ns", "intended_at_ns", "settled_at_ns")
    ):
        assert (outcome, settled) == ("unsettled", None)
        assert offered >= intended
    assert rows_of(tmp_path, "batches", ("outcome", "settled_at_ns")) == [("unsettled", None)]


def test_a_batch_between_two_attempts_at_the_deadline_is_retrying(tmp_path: Path) -> None:
    core = Setup(max_size=4, backoff_ns=60_000 * MS).pipeline()
    run(tmp_path, core, DueTimes([0] * 4, 1), HandSink(fails({(0, 1)})), drain_ns=50 * MS)
    assert reasons(tmp_path) == {"retrying": 4}
    assert rows_of(tmp_path, "batches", ("outcome", "error", "attempt")) == [("failed", "scripted", 1)]


def test_the_first_interrupt_ends_the_load_and_drains_what_was_offered(tmp_path: Path) -> None:
    core, sink = Setup(max_size=64, max_wait_ns=2 * MS).pipeline(), HandSink()
    hands = Hands(lambda: 1 if core.offered > 20 else 0)
    end = run(tmp_path, core, Constant(1_000, 60), sink, hands=hands)
    by_id, repeated = fates(tmp_path, core.offered)
    assert end.interrupted
    assert balance(by_id, repeated).balanced
    assert 20 < core.offered == core.committed < 60_000
    assert end.load_ended_at_ns < 30_000 * MS


def test_the_second_interrupt_stops_at_once_though_a_write_hangs(tmp_path: Path) -> None:
    gate = Gate(first_id=1)
    core = Setup(max_size=4).pipeline()
    hands = Hands(lambda: 2 if gate.reached.is_set() else 0)
    end = run(tmp_path, core, DueTimes([0] * 12, 1), HandSink(gate), 3_600_000 * MS, hands, gate)
    assert end.interrupted
    assert reasons(tmp_path) == {"committed": 4, "in_flight": 4, "queued": 4}
    assert end.ended_at_ns < 10_000 * MS


def test_items_that_fell_due_behind_a_full_queue_before_an_interrupt_keep_their_rows(tmp_path: Path) -> None:
    """They were meant before the user spoke, though never offered: leaving them out would flatter."""
    gate = Gate()
    core = Setup(capacity=4, max_size=4).pipeline()
    pressed = [0]

    class Impatient(Hands):
        def look(self, now_ns: int, core: Pipeline) -> None:
            if now_ns > 40 * MS:
                pressed[0] = 1
            if now_ns > 80 * MS:
                gate.opened.set()

    due_ns = [0] * 9 + [20 * MS] * 20 + [3_600_000 * MS]
    hands = Impatient(lambda: pressed[0])
    end = run(tmp_path, core, DueTimes(due_ns, due_ns[-1]), HandSink(gate), hands=hands)
    assert end.interrupted
    assert reasons(tmp_path) == {"committed": 9, "blocked": 20}


def test_a_broken_sink_ends_the_run_with_the_evidence_so_far(tmp_path: Path) -> None:
    core, sink = Setup(max_size=4).pipeline(), HandSink(breaks_at(3))
    end = run(tmp_path, core, DueTimes([0] * 40, 3_600_000 * MS), sink)
    assert isinstance(end.error, SinkBroken)
    by_id, repeated = fates(tmp_path, core.offered)
    assert balance(by_id, repeated).balanced
    assert balance(by_id, repeated).committed == 12
    assert reasons(tmp_path)["in_flight"] == 4
    assert audit_readback(by_id, sink.read_back()).ok


class Choosy(NullSink):
    """Takes all but the item 1 of a batch, and says so."""

    def write(self, batch: Batch, worker: int) -> Settled:
        ids = {item_id for span in batch.spans for item_id in range(span.first, span.end)}
        return Settled(item_errors=dict.fromkeys(ids & {1}, "too odd"))


def test_a_batch_taken_in_part_is_tried_again_as_a_whole_where_on_failure_knows_batches_only(tmp_path: Path) -> None:
    end = run(tmp_path, Setup(max_size=4, max_attempts=2).pipeline(), DueTimes([0] * 4, 1), Choosy())
    assert end.error is None
    assert reasons(tmp_path) == {"rejected": 4}


def test_of_a_batch_taken_in_part_only_what_the_sink_refused_is_parked(tmp_path: Path) -> None:
    core = Setup(max_size=4, on_failure=ReportItems).pipeline()
    assert run(tmp_path, core, DueTimes([0] * 4, 1), Choosy()).error is None
    items = pq.read_table(tmp_path / "items").sort_by("item_id").to_pylist()
    assert [item["outcome"] for item in items] == ["committed", "dead_lettered", "committed", "committed"]
    (parked,) = pq.read_table(tmp_path / "dead_letters").to_pylist()
    assert (parked["item_id"], parked["error"], parked["reason"]) == (1, "too odd", "rejected")
    (batch,) = pq.read_table(tmp_path / "batches").to_pylist()
    assert (batch["outcome"], batch["item_count"]) == ("partial", 4)


def test_a_defect_in_a_sink_ends_the_run_too(tmp_path: Path) -> None:
    def rule(batch: Batch) -> None:
        raise ZeroDivisionError("a defect")

    end = run(tmp_path, Setup(max_size=4).pipeline(), DueTimes([0] * 4, 1), HandSink(rule))
    assert isinstance(end.error, ZeroDivisionError)


def test_workers_write_at_the_same_time(tmp_path: Path) -> None:
    together = threading.Barrier(3)

    def rule(batch: Batch) -> None:
        if batch.batch_id < 3:
            together.wait(20)

    core, sink = Setup(max_size=2, workers=3).pipeline(), HandSink(rule)
    run(tmp_path, core, DueTimes([0] * 12, 1), sink)
    assert core.committed == 12
    assert sink.workers == {0, 1, 2}
    assert {row[0] for row in rows_of(tmp_path, "batches", ("worker",))} == {0, 1, 2}
    assert max(row[0] for row in rows_of(tmp_path, "batches", ("in_flight",))) == 3


def test_saturate_offers_exactly_its_item_count_and_means_items_when_they_are_admitted(tmp_path: Path) -> None:
    core = Setup(capacity=5_000, max_size=512).pipeline()
    run(tmp_path, core, Saturate(100_003, None), NullSink())
    rows = rows_of(tmp_path, "items", ("item_id", "intended_at_ns", "admitted_at_ns", "outcome"))
    assert [row[0] for row in rows] == list(range(100_003))
    assert all(intended == admitted and outcome == "committed" for _, intended, admitted, outcome in rows)


def test_saturate_ends_with_its_duration(tmp_path: Path) -> None:
    core = Setup(Overflow.BLOCK, capacity=2_000, max_size=512).pipeline()
    end = run(tmp_path, core, Saturate(None, 30 * MS), NullSink())
    assert 30 * MS <= end.load_ended_at_ns < 5_000 * MS
    by_id, repeated = fates(tmp_path, core.offered)
    assert balance(by_id, repeated).committed == core.offered > 0
    assert np.all(by_id == 0)


def test_saturate_ends_with_its_duration_also_while_a_slow_sink_holds_it_back(tmp_path: Path) -> None:
    """It is let in again when half of the queue is gone: that would take this sink two seconds."""
    sink = HandSink(lambda batch: time.sleep(0.001))
    core = Setup(Overflow.BLOCK, capacity=4_000, max_size=1).pipeline()
    end = run(tmp_path, core, Saturate(None, 30 * MS), sink, drain_ns=20 * MS)
    assert 30 * MS <= end.load_ended_at_ns < 1_000 * MS
    by_id, repeated = fates(tmp_path, core.offered)
    assert balance(by_id, repeated).balanced
    assert 0 < core.committed < 2_000
