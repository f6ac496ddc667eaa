"""Batch size 1: the simulated pipeline is the textbook's single-server queue (ALGORITHMS E)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingestexp.adapters.sinks.model import Noise
from ingestexp.core.window import Limits
from tests.simulation.queueing import poisson_ns, simulate, sink

if TYPE_CHECKING:
    from pathlib import Path

ONE = Limits(1)
MU_PER_S = 1000.0


@pytest.mark.parametrize("rho", [0.5, 0.8])
def test_mm1_sojourn_quantiles_are_those_of_an_exponential(tmp_path: Path, rho: float) -> None:
    """p-quantile -ln(1-p)/(mu-lambda): L. Kleinrock, Queueing Systems I, 3.2. Within 6 % at 100k correlated items."""
    lam = rho * MU_PER_S
    cost = sink(1e3 / MU_PER_S, noise=Noise.exponential, seed=3)
    items = simulate(tmp_path, poisson_ns(lam, 100_000, seed=4), cost, ONE).items
    sojourn_s = (items["settled_at_ns"] - items["intended_at_ns"])[5_000:] / 1e9
    for p in (0.5, 0.9, 0.99):
        assert np.quantile(sojourn_s, p) == pytest.approx(-math.log(1 - p) / (MU_PER_S - lam), rel=0.06), p


@pytest.mark.parametrize("rho", [0.5, 0.8])
def test_md1_mean_wait_is_that_of_pollaczek_and_khinchine(tmp_path: Path, rho: float) -> None:
    """Mean wait rho / (2 mu (1 - rho)). Within 3 % at 100k items."""
    items = simulate(tmp_path, poisson_ns(rho * MU_PER_S, 100_000, seed=5), sink(1e3 / MU_PER_S), ONE).items
    wait_s = (items["sent_at_ns"] - items["intended_at_ns"]) / 1e9
    assert wait_s.mean() == pytest.approx(rho / (2 * MU_PER_S * (1 - rho)), rel=0.03)
    assert set(items["settled_at_ns"] - items["sent_at_ns"]) == {1_000_000}


def test_little_holds_between_the_sampled_depth_and_the_rows(tmp_path: Path) -> None:
    """L = lambda W, with L seen by an observer at fixed instants and lambda W from the trace. Within 2 %."""
    due_ns = poisson_ns(700, 100_000, seed=6)
    rows = simulate(tmp_path, due_ns, sink(1.0, noise=Noise.exponential, seed=7), ONE, sample_every_ns=3_333_333)
    sojourn_s = (rows.items["settled_at_ns"] - rows.items["intended_at_ns"]) / 1e9
    lam = len(due_ns) / (due_ns[-1] / 1e9)
    assert len(rows.depths) > 40_000
    assert np.mean(rows.depths) == pytest.approx(lam * sojourn_s.mean(), rel=0.02)


@pytest.mark.parametrize("workers", [1, 3])
def test_even_arrivals_and_even_service_below_capacity_never_queue(tmp_path: Path, workers: int) -> None:
    """D/D/c with rho < 1 and no window wait: every item is sent the instant it is due, though rho is 0.99."""
    due_ns = np.arange(20_000, dtype=np.int64) * (1_010_000 // workers)
    items = simulate(tmp_path, due_ns, sink(1.0), Limits(64, 0), workers).items
    assert np.array_equal(items["sent_at_ns"], items["intended_at_ns"])
    assert np.array_equal(items["settled_at_ns"] - items["sent_at_ns"], np.full(20_000, 1_000_000))


def test_mm2_waits_as_erlang_c_says(tmp_path: Path) -> None:
    """Two workers, a = lambda / mu: mean wait C(2, a) / (2 mu - lambda), C(2, a) = a^2 / (2 + a). Within 6 %."""
    lam = 1.6 * MU_PER_S
    cost = sink(1e3 / MU_PER_S, noise=Noise.exponential, seed=8)
    items = simulate(tmp_path, poisson_ns(lam, 100_000, seed=9), cost, ONE, workers=2).items
    wait_s = (items["sent_at_ns"] - items["intended_at_ns"]) / 1e9
    a = lam / MU_PER_S
    assert wait_s.mean() == pytest.approx(a * a / (2 + a) / (2 * MU_PER_S - lam), rel=0.06)
