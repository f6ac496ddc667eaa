"""Batches: what overload, the timer and greed do to their size (ALGORITHMS A and E)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingestexp.core.span import NEVER
from ingestexp.core.window import Limits
from tests.simulation.queueing import poisson_ns, simulate, sink

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def test_an_overloaded_pipeline_sends_full_batches_at_the_rate_of_the_cost_model(tmp_path: Path) -> None:
    """Throughput N / (F + V N), every batch full but the first ones and the last."""
    size, fixed_ms, per_item_us = 64, 2.0, 10.0
    capacity_per_s = size / (fixed_ms / 1e3 + per_item_us / 1e6 * size)
    due_ns = poisson_ns(3 * capacity_per_s, 200_000, seed=11)
    rows = simulate(tmp_path, due_ns, sink(fixed_ms, per_item_us), Limits(size, 1_000_000))
    counts = rows.batches["item_count"]
    assert counts[1:-1].mean() == pytest.approx(size, rel=1e-3)
    took_s = (rows.items["settled_at_ns"].max() - rows.batches["sent_at_ns"][1]) / 1e9
    assert len(due_ns) / took_s == pytest.approx(capacity_per_s, rel=2e-3)


def test_an_underloaded_window_of_age_waits_and_holds_its_share_of_the_load(tmp_path: Path) -> None:
    """One item opens the window, lambda * max_wait more join it: mean batch 1 + lambda W while the sink is idle."""
    lam, wait_ns = 1000.0, 10_000_000
    rows = simulate(tmp_path, poisson_ns(lam, 100_000, seed=12), sink(0.0), Limits(10_000, wait_ns))
    counts = rows.batches["item_count"]
    assert counts.mean() == pytest.approx(1 + lam * wait_ns / 1e9, rel=0.01)
    aged = rows.batches["flush_cause"] == "age"
    waits_ns = rows.batches["sent_at_ns"] - rows.batches["opened_at_ns"]
    assert set(waits_ns[aged]) == {wait_ns}
    assert aged.sum() >= len(counts) - 1


def test_a_window_of_size_only_fills_every_batch_and_the_drain_sends_the_rest(tmp_path: Path) -> None:
    rows = simulate(tmp_path, poisson_ns(1000, 10_003, seed=13), sink(0.1), Limits(100, NEVER))
    assert list(rows.batches["item_count"]) == [100] * 100 + [3]
    assert list(rows.batches["flush_cause"]) == ["size"] * 100 + ["drain"]


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_greedy_batches_have_the_sizes_of_the_embedded_chain(tmp_path: Path, rho: float) -> None:
    """M/D^[1,b]/1 with max_wait 0: what waits when a write ends is a Markov chain (N. Bailey, 1954).

    X' = max(X - b, 0) + A, A ~ Poisson(lambda T); the next batch takes min(X, b), or the first arrival if X is 0.
    """
    most, service_s = 8, 1e-3
    lam = rho * most / service_s
    limits = Limits(most, 0)
    counts = simulate(tmp_path, poisson_ns(lam, 200_000, seed=14), sink(service_s * 1e3), limits).batches["item_count"]
    left_behind = _embedded_chain(lam * service_s, most, states=200)
    sizes = np.clip(np.arange(200), 1, most)
    assert counts.mean() == pytest.approx(float(left_behind @ sizes), rel=0.02)
    assert (counts == most).mean() == pytest.approx(float(left_behind[most:].sum()), abs=0.02)


def _embedded_chain(mean_arrivals: float, most: int, states: int) -> NDArray[np.float64]:
    """The stationary distribution of X, by squaring the transition matrix."""
    arrivals = np.array(
        [math.exp(n * math.log(mean_arrivals) - mean_arrivals - math.lgamma(n + 1)) for n in range(states)]
    )
    step = np.zeros((states, states))
    for waiting in range(states):
        kept = max(waiting - most, 0)
        step[waiting, kept:] = arrivals[: states - kept]
    step /= step.sum(axis=1, keepdims=True)
    return np.asarray(np.linalg.matrix_power(step, 1 << 14)[0])
