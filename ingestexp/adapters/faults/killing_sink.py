"""Any sink, in a process that is killed on purpose.

Must live here: when. Must not: what is left behind, or anything that softens it: the signal is a real SIGKILL.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

from ingestexp.ports import Timed

if TYPE_CHECKING:
    from ingestexp.core.batch import Batch
    from ingestexp.ports import Clock, Int64s, Settled, Sink


class KillingSink:
    """`inner`; when it has taken `after_writes` batches, this process gets a SIGKILL.

    That is the worst moment: the batch is durable, and nobody was told.
    """

    def __init__(self, inner: Sink, after_writes: int) -> None:
        self.name = inner.name
        self.durable = inner.durable
        self.simulated = inner.simulated
        self._inner = inner
        self._left = after_writes
        self._lock = threading.Lock()

    def start(self, clock: Clock) -> None:
        if isinstance(self._inner, Timed):
            self._inner.start(clock)

    def open(self) -> None:
        self._inner.open()

    def write(self, batch: Batch, worker: int) -> Settled:
        """As the inner sink's, until the one that does not return."""
        settled = self._inner.write(batch, worker)
        with self._lock:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
        return settled

    def close(self) -> None:
        self._inner.close()

    def read_back(self) -> Int64s:
        return self._inner.read_back()

    def describe(self) -> dict[str, object]:
        return {**self._inner.describe(), "kill": "this process kills itself (SIGKILL)"}
