"""What may happen to an attempt to write: refused by an outage or at random, slowed down by a brownout.

Must live here: whether it happens at this instant, and how often it did. Must not: waiting, sinks (`faulty_sink`),
virtual time (`modelled`).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class Outage:
    """From `from_ns` until before `to_ns`, by the run's clock, every attempt is refused. `hits`: how many were."""

    def __init__(self, from_ns: int, to_ns: int) -> None:
        self.from_ns = from_ns
        self.to_ns = to_ns
        self.hits = 0


class FlakySink:
    """Every attempt is refused with the chance `rate`: the n-th one or not, by the seed. `hits`: how many were."""

    def __init__(self, rate: float, rng: np.random.Generator) -> None:
        self.rate = rate
        self.hits = 0
        self.attempts = 0
        self._rng = rng

    def strikes(self) -> bool:
        self.attempts += 1
        struck = bool(self._rng.random() < self.rate)
        self.hits += struck
        return struck


class Brownout:
    """A write that begins in the span takes `factor` (1 or more) times as long. `hits`: how many did."""

    def __init__(self, from_ns: int, to_ns: int, factor: float) -> None:
        self.from_ns = from_ns
        self.to_ns = to_ns
        self.factor = factor
        self.hits = 0


class AttemptFaults:
    """Those that were chosen, from the outside in: an outage, then a flaky sink, then a brownout.

    A sink that is gone is not even flaky, and only what gets through can be slow. Judged by the instant at which the
    attempt begins: a write that is under way when an outage begins still ends well. Thread-safe.
    """

    def __init__(self, outage: Outage | None, flaky_sink: FlakySink | None, brownout: Brownout | None) -> None:
        self.outage = outage
        self.flaky_sink = flaky_sink
        self.brownout = brownout
        self._judging = threading.Lock()

    def refusal(self, now_ns: int) -> str | None:
        """Why the attempt that begins now does not get through; None if it does."""
        outage, flaky_sink = self.outage, self.flaky_sink
        with self._judging:
            if outage is not None and outage.from_ns <= now_ns < outage.to_ns:
                outage.hits += 1
                return f"fault=outage: the sink is gone until {outage.to_ns / 1e9:g} s"
            if flaky_sink is not None and flaky_sink.strikes():
                return "fault=flaky_sink: the attempt failed"
        return None

    def slowdown(self, now_ns: int) -> float:
        """How many times as long the write that begins now takes."""
        brownout = self.brownout
        if brownout is None or not brownout.from_ns <= now_ns < brownout.to_ns:
            return 1.0
        with self._judging:
            brownout.hits += 1
        return brownout.factor

    @property
    def names(self) -> list[str]:
        """Of those that were chosen, from the outside in."""
        parts = {"outage": self.outage, "flaky_sink": self.flaky_sink, "brownout": self.brownout}
        return [name for name, part in parts.items() if part is not None]
