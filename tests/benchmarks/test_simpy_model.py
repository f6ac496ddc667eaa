"""The rival model is right, so that a figure against it and a comparison with it mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.benchmarks.simpy_model import Outcome, Parameters, poisson_due_ns, simulate_counter, simulate_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.simpy_model import Int64s

WAYS = pytest.mark.parametrize("simulate", [simulate_store, simulate_counter])


@WAYS
def test_a_script_worked_out_by_hand(simulate: Callable[[Parameters, Int64s], Outcome]) -> None:
    """Three fill a window; one ages out at 20 + 10; two wait for the worker; the last goes out at the end."""
    parameters = Parameters(max_size=3, max_wait_ns=10, fixed_ns=5, per_item_ns=1)
    outcome = simulate(parameters, np.array([1, 2, 3, 20, 31, 32, 60], dtype=np.int64))
    assert outcome.batch_sizes.tolist() == [3, 1, 2, 1]
    # batch 1: 3 + 8 = 11; batch 2: 30 + 6 = 36; batch 3: ripe at 41, + 7 = 48; batch 4: 60 + 6 = 66
    assert outcome.response_ns.tolist() == [10, 9, 8, 16, 17, 16, 6]


@WAYS
def test_one_by_one_is_an_md1_queue(simulate: Callable[[Parameters, Int64s], Outcome]) -> None:
    """Mean wait r / (2 mu (1 - r)) plus the service time, at utilisation r = 0.5, within 5 %."""
    parameters = Parameters(max_size=1, fixed_ns=1_000_000, per_item_ns=0)
    outcome = simulate(parameters, poisson_due_ns(500.0, 20_000, seed=3))
    assert float(outcome.response_ns.mean()) == pytest.approx(1.5e6, rel=0.05)


def test_both_ways_are_one_model() -> None:
    parameters = Parameters(max_size=16, max_wait_ns=3_000_000)
    due_ns = poisson_due_ns(0.5 * parameters.capacity_per_s(), 5_000, seed=7)
    store, counter = simulate_store(parameters, due_ns), simulate_counter(parameters, due_ns)
    assert store.batch_sizes.tolist() == counter.batch_sizes.tolist()
    assert store.response_ns.tolist() == counter.response_ns.tolist()
    assert 1 < store.mean_batch() < 16


@WAYS
def test_a_full_queue_holds_the_source_back_and_loses_nothing(
    simulate: Callable[[Parameters, Int64s], Outcome],
) -> None:
    parameters = Parameters(max_size=4, capacity=8, fixed_ns=1_000, per_item_ns=0)
    outcome = simulate(parameters, np.arange(1, 101, dtype=np.int64))
    assert int(outcome.batch_sizes.sum()) == 100
    assert np.all(outcome.response_ns > 0)
