"""The pipeline as a SimPy model: a rival to be measured against, and an independent second opinion.

Must live here: the model, its parameters, what it found out. Must not: a line of the product's code, or it
would be no second opinion.

The pipeline: items arrive at given instants, wait in a bounded FIFO; a batch is due when `max_size` items wait or
the oldest has waited `max_wait_ns`, whichever is first; one worker takes at most `max_size` items and is busy for
`fixed_ns + per_item_ns · n`. After the last arrival the rest goes out at once.

Comparable with our simulated clock on the same `due_ns`: the batch sizes and the response of every item, to the
nanosecond (time is in whole ns on both sides), as long as the queue never fills and no timer coincides with an
arrival. Not comparable: a full queue (SimPy lets one item in per item taken, ours resumes the source at half
capacity); a trace (this model keeps one number an item, ours writes a row of seventeen columns).

Two ways to write it. `simulate_store` is how SimPy's guide models a queue: `Store.put` and `Store.get` for each item.
`simulate_counter` is as fast as we could make it: one timeout an item, the queue a mere count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import simpy
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Generator

Int64s = NDArray[np.int64]


@dataclass(slots=True, frozen=True)
class Parameters:
    """The window, the queue's capacity in items, and the sink's cost per batch."""

    max_size: int
    max_wait_ns: int = 5_000_000
    capacity: int = 100_000
    fixed_ns: int = 1_000_000
    per_item_ns: int = 2_000

    def capacity_per_s(self) -> float:
        """Items/s of a worker that is always given full batches."""
        return self.max_size * 1e9 / self.cost_ns(self.max_size)

    def cost_ns(self, item_count: int) -> int:
        return self.fixed_ns + self.per_item_ns * item_count


@dataclass(slots=True)
class Outcome:
    """`batch_sizes` int64 (batches,) in order of sending; `response_ns` int64 (items,): settled - due, by item."""

    batch_sizes: Int64s
    response_ns: Int64s

    def mean_batch(self) -> float:
        return float(self.batch_sizes.mean())

    def response_ms(self, quantile: float) -> float:
        return float(np.quantile(self.response_ns, quantile)) / 1e6


def poisson_due_ns(rate_per_s: float, item_count: int, seed: int) -> Int64s:
    """Poisson arrivals, int64 ns (item_count,), ascending, the first at its first gap."""
    gaps = np.random.default_rng(seed).exponential(1e9 / rate_per_s, item_count)
    return np.cumsum(gaps).astype(np.int64)


class _Model:
    """What both ways share: when a batch is due, what it costs, what is noted."""

    def __init__(self, parameters: Parameters, due_ns: Int64s) -> None:
        self.env: Any = simpy.Environment()
        self.parameters = parameters
        self.due: list[int] = due_ns.tolist()
        self.due_ns = due_ns
        self.response_ns = np.zeros(len(due_ns), dtype=np.int64)
        self.sizes: list[int] = []
        self.settled = 0
        self.over = False
        self.ripe: Any = None
        self.wanted = 0
        """How many waiting items trigger `ripe`; 0 while the worker isn't waiting."""

    def run(self) -> Outcome:
        self.env.process(self.source())
        self.env.process(self.worker())
        self.env.run()
        return Outcome(np.array(self.sizes, dtype=np.int64), self.response_ns)

    def source(self) -> Generator[Any, Any, None]:
        raise NotImplementedError

    def depth(self) -> int:
        raise NotImplementedError

    def take(self, count: int) -> Generator[Any, Any, None]:
        raise NotImplementedError

    def signal(self) -> None:
        """The worker's wait is over."""
        if self.wanted:
            self.wanted = 0
            self.ripe.succeed()

    def wait_for(self, count: int) -> Any:
        self.wanted, self.ripe = count, self.env.event()
        return self.ripe

    def worker(self) -> Generator[Any, Any, None]:
        env, limits = self.env, self.parameters
        while True:
            if not self.depth():
                if self.over:
                    return
                yield self.wait_for(1)
                continue
            patience = self.due[self.settled] + limits.max_wait_ns - env.now
            if self.depth() < limits.max_size and patience > 0 and not self.over:
                yield self.wait_for(limits.max_size) | env.timeout(patience)
                self.wanted = 0
            count = min(self.depth(), limits.max_size)
            yield from self.take(count)
            yield env.timeout(limits.cost_ns(count))
            first, end = self.settled, self.settled + count
            self.response_ns[first:end] = env.now - self.due_ns[first:end]
            self.sizes.append(count)
            self.settled = end


class _StoreModel(_Model):
    """The queue is SimPy's own bounded `Store`, one put and one get an item."""

    def __init__(self, parameters: Parameters, due_ns: Int64s) -> None:
        super().__init__(parameters, due_ns)
        self.store: Any = simpy.Store(self.env, capacity=parameters.capacity)

    def depth(self) -> int:
        return len(self.store.items)

    def source(self) -> Generator[Any, Any, None]:
        env, store, items = self.env, self.store, self.store.items
        for item_id, due in enumerate(self.due):
            if due > env.now:
                yield env.timeout(due - env.now)
            yield store.put(item_id)
            if self.wanted and len(items) >= self.wanted:
                self.signal()
        self.over = True
        self.signal()

    def take(self, count: int) -> Generator[Any, Any, None]:
        get = self.store.get
        for _ in range(count):
            yield get()


class _CounterModel(_Model):
    """The queue is a count: item ids are dense and leave in order, so a FIFO needs no more."""

    def __init__(self, parameters: Parameters, due_ns: Int64s) -> None:
        super().__init__(parameters, due_ns)
        self.waiting = 0
        self.room: Any = None

    def depth(self) -> int:
        return self.waiting

    def source(self) -> Generator[Any, Any, None]:
        env, timeout, capacity = self.env, self.env.timeout, self.parameters.capacity
        for due in self.due:
            if due > env.now:
                yield timeout(due - env.now)
            if self.waiting >= capacity:
                self.room = env.event()
                yield self.room
            self.waiting += 1
            if self.wanted and self.waiting >= self.wanted:
                self.signal()
        self.over = True
        self.signal()

    def take(self, count: int) -> Generator[Any, Any, None]:
        self.waiting -= count
        if self.room is not None and not self.room.triggered:
            self.room.succeed()
        yield from ()


def simulate_store(parameters: Parameters, due_ns: Int64s) -> Outcome:
    """As SimPy's guide would have it."""
    return _StoreModel(parameters, due_ns).run()


def simulate_counter(parameters: Parameters, due_ns: Int64s) -> Outcome:
    """As fast as we could make it."""
    return _CounterModel(parameters, due_ns).run()
