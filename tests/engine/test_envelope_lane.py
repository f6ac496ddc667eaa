"""Live runs whose items come in envelopes: ids, the ledger, neighbours of rejected ones, whose time is whose."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from ingestexp.adapters.codecs.decoder import EnvelopeDecoder
from ingestexp.adapters.envelopes.bombs import BombCycle
from ingestexp.adapters.envelopes.sealing import EnvelopeSealer
from ingestexp.adapters.payloads.json_event import JsonEvent
from ingestexp.core.control import Static
from ingestexp.core.on_failure import RetryBatch
from ingestexp.core.pipeline import Pipeline
from ingestexp.core.policy import Overflow
from ingestexp.core.queue import Bounds
from ingestexp.core.retry import Retry
from ingestexp.core.window import Limits
from ingestexp.decode_port import Caps, Envelopes, Inflated
from ingestexp.engine.envelope_load import EnvelopedLoad
from ingestexp.engine.live_run import LiveRun
from ingestexp.engine.sampler import Sampler
from ingestexp.trace.envelopes import EnvelopeLedger
from ingestexp.trace.writer import TraceWriter
from tests.engine.rig import MS, DueTimes, Gate, GateOpener, Hands, HandSink

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.core.batch import Batch
    from ingestexp.decode_port import Bombs, Decoder
    from ingestexp.ports import Sink

COUNT = 250
Row = dict[str, Any]


class Slow:
    """A decoder that takes its time."""

    codec = "gzip"

    def __init__(self, took_ms: float) -> None:
        self._inner = EnvelopeDecoder("gzip", Caps())
        self._took_ms = took_ms

    def decode(self, body: bytes) -> Inflated:
        time.sleep(self._took_ms / 1000)
        return self._inner.decode(body)


class Evidence:
    def __init__(self, folder: Path) -> None:
        self.envelopes: list[Row] = pq.read_table(folder / "envelopes").sort_by("envelope_id").to_pylist()
        self.items: list[Row] = pq.read_table(folder / "items").sort_by("item_id").to_pylist()
        self.dead: list[Row] = pq.read_table(folder / "envelope_dead_letters").sort_by("envelope_id").to_pylist()


def run(
    folder: Path,
    due_ns: list[int],
    decoder: Decoder | None = None,
    bombs: Bombs | None = None,
    sink: Sink | None = None,
    gate: Gate | None = None,
    capacity: int = 100_000,
    policy: Overflow = Overflow.BLOCK,
    drain_ns: int = 10_000 * MS,
    caps: Caps | None = None,
) -> Evidence:
    """One live run, ten items an envelope; its evidence is closed under `folder`."""
    core = Pipeline(
        bounds=Bounds(items=capacity, nbytes=1 << 40),
        overflow=policy,
        control=Static(Limits(max_size=20, max_wait_ns=MS)),
        on_failure=RetryBatch(Retry(1, 0, 1, 0, 0)),
        workers=1,
        ordered=False,
    )
    opened = decoder or EnvelopeDecoder("gzip", caps or Caps())
    ledger = EnvelopeLedger(folder)
    load = EnvelopedLoad(
        DueTimes(due_ns, max(due_ns) + 1), Envelopes(10, EnvelopeSealer("gzip"), opened, bombs), ledger
    )
    writer = TraceWriter(folder, load.phases)
    recorder = GateOpener(writer)
    recorder.gate = gate
    sampler = Sampler(core, load, 5 * MS, writer, None)
    payloads = JsonEvent(size_bytes=100, size_cv=0.2, rng=np.random.default_rng(1))
    into = sink or (HandSink(gate) if gate else HandSink())
    end = LiveRun(core, recorder, load, payloads, into, lambda: 0.5, drain_ns, sampler, Hands()).run()
    recorder.hand_over()
    sampler.flush(end.ended_at_ns, 0)
    writer.close()
    ledger.close()
    assert end.error is None
    return Evidence(folder)


def every_ms(count: int) -> list[int]:
    return [number * MS // 10 for number in range(count)]


def test_items_are_due_with_the_last_of_their_envelope_and_know_it(tmp_path: Path) -> None:
    due_ns = every_ms(COUNT + 5)
    found = run(tmp_path, due_ns)
    assert [row["item_id"] for row in found.items] == list(range(COUNT + 5))
    assert {row["outcome"] for row in found.items} == {"committed"}
    assert [row["envelope_id"] for row in found.items] == [number // 10 for number in range(COUNT + 5)]
    last = [min(10 * (number // 10) + 9, COUNT + 4) for number in range(COUNT + 5)]
    assert [row["intended_at_ns"] for row in found.items] == [due_ns[number] for number in last]


def test_payloads_are_those_of_the_load_without_envelopes(tmp_path: Path) -> None:
    found = run(tmp_path, every_ms(COUNT))
    payloads = JsonEvent(size_bytes=100, size_cv=0.2, rng=np.random.default_rng(1))
    sizes = payloads.sizes(0, COUNT)
    assert not isinstance(sizes, int)
    assert [row["payload_bytes"] for row in found.items] == sizes.tolist()


def test_every_envelope_has_one_row_and_accepted_ones_all_their_items(tmp_path: Path) -> None:
    found = run(tmp_path, every_ms(COUNT))
    assert [row["envelope_id"] for row in found.envelopes] == list(range(25))
    assert [row["first_item_id"] for row in found.envelopes] == list(range(0, COUNT, 10))
    for row in found.envelopes:
        assert row["outcome"] == "accepted"
        assert row["item_count"] == 10
        assert row["intended_at_ns"] <= row["offered_at_ns"] <= row["decode_started_at_ns"] <= row["decoded_at_ns"]
        assert row["body_bytes"] < row["inflated_bytes"]
    assert found.dead == []


def test_bombs_are_parked_as_they_came_and_leave_their_neighbours_unharmed(tmp_path: Path) -> None:
    shapes = ["flat", "nested", "tiny_members"]
    bombs = BombCycle("gzip", 5, shapes, 64 << 20)
    found = run(tmp_path, every_ms(COUNT), bombs=bombs)
    hostile = [row for row in found.envelopes if row["is_bomb"]]
    assert [row["shape"] for row in hostile] == [shapes[number % 3] for number in range(5)]
    assert {row["outcome"] for row in hostile} == {"rejected"}
    assert {row["item_count"] for row in hostile} == {None}
    assert [row["item_id"] for row in found.items] == list(range(COUNT))
    assert {row["outcome"] for row in found.items} == {"committed"}
    assert not {row["envelope_id"] for row in hostile} & {row["envelope_id"] for row in found.items}
    bodies = dict(zip(shapes, (body for _, body in bombs.bodies()), strict=False))
    assert [(row["envelope_id"], row["body"]) for row in found.dead] == [
        (row["envelope_id"], bodies[row["shape"]]) for row in hostile
    ]


def test_a_good_envelope_over_a_cap_is_rejected_and_its_items_have_no_ids(tmp_path: Path) -> None:
    found = run(tmp_path, every_ms(COUNT), caps=Caps(max_items=9))
    assert {(row["outcome"], row["reason"]) for row in found.envelopes} == {("rejected", "item_count")}
    assert len(found.dead) == 25
    assert found.items == []
    opened = EnvelopeDecoder("gzip", Caps()).decode(found.dead[3]["body"])
    assert len(opened.items) == 10  # nothing of it is lost


def test_the_wait_for_a_busy_decoder_is_not_the_generators(tmp_path: Path) -> None:
    """Ten envelopes due at once, 10 ms each to open: all are offered when due, the last is admitted 100 ms later."""
    found = run(tmp_path, [20 * MS] * 100, decoder=Slow(10))
    late = [row["offered_at_ns"] - row["intended_at_ns"] for row in found.envelopes]
    wait = [row["decode_started_at_ns"] - row["offered_at_ns"] for row in found.envelopes]
    assert wait[-1] >= 90 * MS
    assert late[-1] <= late[0] + 5 * MS
    assert found.items[-1]["admitted_at_ns"] - found.items[-1]["offered_at_ns"] >= 100 * MS
    assert {row["blocked_ns"] for row in found.envelopes} == {0}


def test_the_wait_for_the_policy_is_told_from_the_decoders(tmp_path: Path) -> None:

    def hold(batch: Batch) -> None:
        if not batch.batch_id:
            time.sleep(0.15)

    found = run(tmp_path, every_ms(COUNT), sink=HandSink(hold), capacity=40)
    blocked = [row["blocked_ns"] for row in found.envelopes]
    assert max(blocked) >= 50 * MS
    for row in found.envelopes:
        assert row["decode_started_at_ns"] - row["offered_at_ns"] >= row["blocked_ns"] - MS
    assert {row["outcome"] for row in found.items} == {"committed"}


@pytest.mark.parametrize("policy", [Overflow.BLOCK, Overflow.DROP_NEWEST])
def test_what_never_got_in_is_accounted_for(tmp_path: Path, policy: Overflow) -> None:
    """The sink hangs from the first batch on, until the run is given up."""
    gate = Gate()
    bombs = BombCycle("gzip", 5, ["nested"], 1 << 20)
    found = run(tmp_path, every_ms(COUNT), bombs=bombs, gate=gate, capacity=40, policy=policy, drain_ns=50 * MS)
    assert [row["item_id"] for row in found.items] == list(range(COUNT))
    assert [row["envelope_id"] for row in found.envelopes] == list(range(30))
    assert sum(row["item_count"] or 0 for row in found.envelopes) == COUNT
    unoffered = [row for row in found.envelopes if row["outcome"] == "unoffered"]
    if policy is Overflow.BLOCK:
        assert len(unoffered) > 10
        assert {row["reason"] for row in found.items[unoffered[0]["first_item_id"] :]} == {"blocked"}
    else:
        assert unoffered == []
        assert [row["outcome"] for row in found.envelopes if row["is_bomb"]] == ["rejected"] * 5
