"""Outage, flaky sink and brownout: when they strike, in which order, live and modelled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingestexp.adapters.faults.attempt_faults import AttemptFaults, Brownout, FlakySink, Outage
from ingestexp.adapters.faults.faulty_sink import FaultySink
from ingestexp.adapters.faults.modelled import REFUSED_NS, ModelledFaults
from ingestexp.adapters.faults.poison import Poison
from ingestexp.adapters.sinks.sqlite import SqliteSink
from ingestexp.ports import BatchRejected, Settled, Timed, TransientSinkError
from tests.contracts.batches import json_batch
from tests.contracts.sink_contract import SinkContract
from tests.engine.rig import HandSink

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.core.batch import Batch
    from ingestexp.ports import Clock

MS = 1_000_000


class HandClock:
    def __init__(self, at_ns: int = 0) -> None:
        self.at_ns = at_ns

    def now_ns(self) -> int:
        return self.at_ns


class RealClock:
    def now_ns(self) -> int:
        return time.perf_counter_ns()


def always(rate: float = 1.0, seed: int = 1) -> FlakySink:
    return FlakySink(rate, np.random.default_rng(seed))


def around(faults: AttemptFaults, clock: Clock, inner: HandSink | None = None) -> tuple[FaultySink, HandSink]:
    inner = inner or HandSink()
    sink = FaultySink(inner, faults)
    sink.start(clock)
    return sink, inner


class TestFaultySink(SinkContract):
    """A sink with faults that do not strike keeps its promises."""

    def make(self, path: Path, workers: int = 1) -> FaultySink:
        faults = AttemptFaults(Outage(-2, -1), always(0.0), Brownout(-2, -1, 9.0))
        sink = FaultySink(SqliteSink(path, workers, check_json=True), faults)
        sink.start(HandClock())
        return sink


def test_an_outage_refuses_everything_in_its_span_and_nothing_else() -> None:
    clock, outage = HandClock(), Outage(10 * MS, 20 * MS)
    sink, inner = around(AttemptFaults(outage, None, None), clock)
    for at_ns, refused in ((0, 0), (10 * MS - 1, 0), (10 * MS, 1), (20 * MS - 1, 1), (20 * MS, 0)):
        clock.at_ns = at_ns
        if refused:
            with pytest.raises(TransientSinkError, match=r"fault=outage: the sink is gone until 0\.02 s"):
                sink.write(json_batch(0, 1), 0)
        else:
            sink.write(json_batch(0, 1), 0)
    assert outage.hits == 2
    assert len(inner.read_back()) == 3


def test_a_flaky_sink_fails_at_its_rate_and_the_same_attempts_for_the_same_seed() -> None:
    def struck(seed: int) -> list[int]:
        sink, _ = around(AttemptFaults(None, always(0.3, seed), None), HandClock())
        failed = []
        for number in range(1000):
            try:
                sink.write(json_batch(0, 1), 0)
            except TransientSinkError:
                failed.append(number)
        return failed

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert len(struck(1)) == pytest.approx(300, abs=60)


def test_a_brownout_makes_each_write_of_its_span_take_so_many_times_as_long() -> None:
    def takes_3_ms(batch: Batch) -> None:
        time.sleep(0.003)

    brownout = Brownout(0, 1 << 62, 5.0)
    sink, inner = around(AttemptFaults(None, None, brownout), RealClock(), HandSink(takes_3_ms))
    began = time.perf_counter()
    assert isinstance(sink.write(json_batch(0, 1), 0), Settled)
    took_s = time.perf_counter() - began
    assert took_s >= 5 * 0.003
    assert brownout.hits == 1
    assert inner.read_back().tolist() == [0]


def test_a_rejection_is_slow_too_in_a_brownout() -> None:
    def refuses(batch: Batch) -> None:
        time.sleep(0.002)
        raise BatchRejected("no", {0: "no"})

    sink, _ = around(AttemptFaults(None, None, Brownout(0, 1 << 62, 4.0)), RealClock(), HandSink(refuses))
    began = time.perf_counter()
    with pytest.raises(BatchRejected):
        sink.write(json_batch(0, 1), 0)
    assert time.perf_counter() - began >= 4 * 0.002


def test_the_outage_is_outermost_then_the_flaky_sink_then_the_brownout() -> None:
    clock, outage, flaky, brownout = HandClock(), Outage(0, 10), always(), Brownout(0, 30, 2.0)
    faults = AttemptFaults(outage, flaky, brownout)
    sink, inner = around(faults, clock)
    with pytest.raises(TransientSinkError, match="outage"):
        sink.write(json_batch(0, 1), 0)
    assert (outage.hits, flaky.attempts, brownout.hits) == (1, 0, 0), "a sink that is gone is not even flaky"
    clock.at_ns = 20
    with pytest.raises(TransientSinkError, match="flaky_sink"):
        sink.write(json_batch(0, 1), 0)
    assert (outage.hits, flaky.hits, brownout.hits) == (1, 1, 0), "what did not get through is not slow"
    flaky.rate = 0.0
    sink.write(json_batch(0, 1), 0)
    assert (outage.hits, flaky.hits, brownout.hits) == (1, 1, 1)
    assert len(inner.read_back()) == 1
    assert sink.describe()["faults"] == ["outage", "flaky_sink", "brownout"]


def test_faults_go_around_any_sink_and_around_one_another() -> None:
    inner = HandSink()
    one = FaultySink(inner, AttemptFaults(None, always(0.0), None))
    two = FaultySink(one, AttemptFaults(Outage(5, 6), None, None))
    assert isinstance(two, Timed)
    assert not isinstance(inner, Timed)
    two.start(HandClock(1))
    two.open()
    two.write(json_batch(0, 2), 0)
    two.close()
    assert (two.name, two.durable, two.simulated) == (inner.name, inner.durable, inner.simulated)
    assert two.read_back().tolist() == [0, 1]


def sent(first: int, count: int, at_ns: int, batch_id: int = 0) -> Batch:
    batch = json_batch(first, count)
    batch.batch_id, batch.sent_at_ns = batch_id, at_ns
    return batch


def test_the_model_does_the_same_by_virtual_time_and_says_that_it_is_one() -> None:
    faults = AttemptFaults(Outage(10, 20), None, Brownout(15, 40, 3.0))
    model = ModelledFaults(faults, Poison((4, 5), 0.0, ("not_json",), np.random.default_rng(1)))
    early, lost, slow = sent(0, 4, 5, 1), sent(0, 9, 15, 2), sent(0, 9, 30, 3)
    assert [model.service_ns(batch, 1000) for batch in (early, lost, slow)] == [1000, REFUSED_NS, 3000]
    assert model.error(early) is None
    error = model.error(lost)
    assert isinstance(error, TransientSinkError)
    assert str(error) == "simulated fault=outage: the sink is gone until 2e-08 s"
    error = model.error(slow)
    assert isinstance(error, BatchRejected)
    assert str(error) == "item 4: simulated fault=poison: not_json (and 1 more items)"
    assert list(error.item_errors or {}) == [4, 5]
