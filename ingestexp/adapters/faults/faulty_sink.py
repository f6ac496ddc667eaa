"""Any sink, with faults around it.

Must live here: what a fault does to a real write. Must not: whether it happens (`attempt_faults`), the sink.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ingestexp.ports import Timed, TransientSinkError

if TYPE_CHECKING:
    from ingestexp.adapters.faults.attempt_faults import AttemptFaults
    from ingestexp.core.batch import Batch
    from ingestexp.ports import Clock, Int64s, Settled, Sink


class FaultySink:
    """`inner` under `faults`. What it keeps and how durably is its own affair: `read_back` goes straight through.

    A refused attempt never reaches the inner sink. A slowed one is written as always, and the acknowledgement held back
    for the rest of the time: what the inner write took, waiting for its turn included, times factor - 1.
    """

    def __init__(self, inner: Sink, faults: AttemptFaults) -> None:
        self.name = inner.name
        self.durable = inner.durable
        self.simulated = inner.simulated
        self._inner = inner
        self._faults = faults
        self._clock: Clock | None = None

    def start(self, clock: Clock) -> None:
        self._clock = clock
        if isinstance(self._inner, Timed):
            self._inner.start(clock)

    def open(self) -> None:
        self._inner.open()

    def write(self, batch: Batch, worker: int) -> Settled:
        """As the inner sink's; raises TransientSinkError besides, before anything is written."""
        assert self._clock is not None, "a sink with faults is started with the run's clock"
        began_ns = self._clock.now_ns()
        refusal = self._faults.refusal(began_ns)
        if refusal is not None:
            raise TransientSinkError(refusal)
        factor = self._faults.slowdown(began_ns)
        if factor == 1.0:
            return self._inner.write(batch, worker)
        try:
            return self._inner.write(batch, worker)
        finally:
            time.sleep((self._clock.now_ns() - began_ns) * (factor - 1.0) / 1e9)

    def close(self) -> None:
        self._inner.close()

    def read_back(self) -> Int64s:
        return self._inner.read_back()

    def describe(self) -> dict[str, object]:
        return {**self._inner.describe(), "faults": self._faults.names}
