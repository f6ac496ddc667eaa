"""The simulated lane's own duties: who is told when, also while the source is blocked."""

from __future__ import annotations

import numpy as np

from ingestexp.adapters.sinks.model import ModelSink, Noise
from ingestexp.core.control import Static
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

MS = 1_000_000


class EveryMillisecond:
    def __init__(self, core: Pipeline) -> None:
        self.core = core
        self.next_at_ns = 0
        self.seen: list[tuple[int, bool]] = []

    def observe(self, now_ns: int) -> None:
        self.next_at_ns = now_ns - now_ns % MS + MS
        self.seen.append((now_ns, self.core.admission.paused))


def test_the_run_is_sampled_on_time_also_while_the_source_is_blocked() -> None:
    core = Pipeline(
        bounds=Bounds(items=4),
        overflow=Overflow.BLOCK,
        control=Static(Limits(2, MS)),
        on_failure=RetryBatch(Retry(1, 1)),
    )
    recorder = Tally()
    due_ns = np.arange(40, dtype=np.int64) * 1_000  # 40 items in 40 us, a sink of 10 ms a batch of 2
    block = make_block(recorder, 0, 40, due_ns, 100, 0, None)
    sink = ModelSink(10.0, 0.0, 0.0, Noise.none, 0.0, None, np.random.default_rng(1))
    observer = EveryMillisecond(core)
    drive(SimulatedLane(core, iter([block]), sink, 10**12, lambda: 0.5, observer), core, recorder)
    assert core.committed == 40
    instants = [at_ns for at_ns, _ in observer.seen]
    assert instants == list(range(0, instants[-1] + 1, MS))
    assert instants[-1] >= 19 * 10 * MS
    assert sum(paused for _, paused in observer.seen) > 100
