"""A simulated run from the first arrival to the last: the same core and loop, virtual time, no threads.

Must live here: turning the load into blocks of sizes. Must not: the order of events (`simulated`).
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from ingestexp.engine.blocks import make_block
from ingestexp.engine.drive import drive
from ingestexp.engine.live_run import RunEnd
from ingestexp.engine.placement import calm_collector, wake_collector
from ingestexp.engine.simulated import SimulatedLane
from ingestexp.engine.simulated_spill import SimulatedSpill, SpillingSimulatedLane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestexp.core.pipeline import Pipeline
    from ingestexp.engine.blocks import EvenBlock
    from ingestexp.engine.drive import Recording
    from ingestexp.engine.live_run import Watcher
    from ingestexp.engine.sampler import Sampler
    from ingestexp.ports import CostModel, FailureModel, Load, Payloads

BLOCK_ITEMS: Final = 32_768
SWITCH_S: Final = 0.0005
"""Here is no lateness to protect, and at the default of 5 ms the encoders starve until the run waits for them."""


class SimulatedRun:
    """One run in virtual time. `uniform` draws the retry jitter."""

    def __init__(
        self,
        core: Pipeline,
        recorder: Recording,
        load: Load,
        payloads: Payloads,
        cost: CostModel,
        uniform: Callable[[], float],
        drain_ns: int,
        sampler: Sampler,
        watcher: Watcher,
        faults: FailureModel | None = None,
        spill: SimulatedSpill | None = None,
    ) -> None:
        """`spill`: of `policy=spill`, on a simulated disk."""
        self._core = core
        self._recorder = recorder
        self._load = load
        self._payloads = payloads
        self._sampler = sampler
        self._watcher = watcher
        kind = SimulatedLane if spill is None else SpillingSimulatedLane
        self._lane = kind(
            core,
            self._offered(),
            cost,
            drain_ns,
            uniform,
            sampler,
            fails=None if faults is None else faults.error,
            load_end_ns=load.duration_ns,
            slows=None if faults is None else faults.service_ns,
        )
        if isinstance(self._lane, SpillingSimulatedLane) and spill is not None:
            self._lane.on_disk(spill, recorder)

    def run(self) -> RunEnd:
        """Run to the end in virtual time. An interrupt ends the load; what was offered drains in virtual time."""
        started_wall_s = time.time()
        calm_collector()
        switch_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        error: BaseException | None = None
        try:
            drive(self._lane, self._core, self._recorder)
        except Exception as failure:
            error = failure
        finally:
            wake_collector()
            sys.setswitchinterval(switch_s)
        lane = self._lane
        interrupted = bool(self._watcher.interrupts())
        load_ended_at_ns = min(lane.load_ended_at_ns, self._load.duration_ns) if interrupted else self._load.duration_ns
        return RunEnd(load_ended_at_ns, lane.at_ns, interrupted, error, None, started_wall_s)

    def _offered(self) -> Iterator[EvenBlock]:
        for block in self._cut_blocks():
            yield block
            now_ns = self._lane.at_ns
            self._sampler.flush(now_ns)
            self._recorder.tick(now_ns)
            self._watcher.look(now_ns, self._core)
            if self._watcher.interrupts():
                return

    def _cut_blocks(self) -> Iterator[EvenBlock]:
        first = 0
        for stretch in self._load.stretches(BLOCK_ITEMS):
            count = len(stretch.due_ns)
            sizes = self._payloads.sizes(first, count) if stretch.sizes is None else stretch.sizes
            due_ns = np.ascontiguousarray(stretch.due_ns)
            yield make_block(self._recorder, first, count, due_ns, sizes, stretch.phase, None)
            first += count
