"""The arrivals come at the rates that were asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestexp.adapters.loads.bursty import Bursty
from ingestexp.adapters.loads.constant import Constant
from ingestexp.adapters.loads.poisson import Poisson
from ingestexp.adapters.loads.ramp import Ramp
from ingestexp.adapters.loads.regimes import Regime, Regimes
from tests.contracts.load_contract import assert_same, joined

seeds = st.integers(0, 2**32)
rates = st.floats(0, 200_000)


def seeded(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def assert_poisson(count: int, mean: float) -> None:
    """Within six sigma (one false alarm in 500 million), and a little room where the normal law doesn't hold yet."""
    assert abs(count - mean) <= 6 * np.sqrt(mean) + 12


@given(rate=st.floats(0.5, 300_000), duration=st.floats(0.001, 0.2))
@settings(max_examples=50, deadline=None)
def test_constant_items_are_evenly_spaced_and_fill_the_duration(rate: float, duration: float) -> None:
    load = Constant(rate, duration)
    due_ns, _, _ = joined(list(load.stretches(1000)))
    np.testing.assert_array_equal(due_ns, np.floor(np.arange(len(due_ns)) * (1e9 / rate)))
    assert due_ns[0] == 0
    assert len(due_ns) * (1e9 / rate) >= load.duration_ns  # one more would be too late


def test_constant_does_not_drift() -> None:
    load = Constant(3, 10_000_000)  # 115 days
    *_, last = load.stretches(1 << 20)
    assert last.due_ns[-1] == pytest.approx((load.expected_items - 1) / 3 * 1e9, abs=2)


@given(seed=seeds, rate=rates, duration=st.floats(0, 0.3))
@settings(max_examples=50, deadline=None)
def test_poisson_count_is_rate_times_duration(seed: int, rate: float, duration: float) -> None:
    stretches = list(Poisson(rate, duration, seeded(seed)).stretches(4096))
    assert_poisson(sum(len(s.due_ns) for s in stretches), rate * duration)


def test_poisson_gaps_are_exponential() -> None:
    due_ns, _, _ = joined(list(Poisson(100_000, 2, seeded()).stretches(8192)))
    gaps = np.sort(np.diff(due_ns) / 1e4)  # in units of the mean
    n = len(gaps)
    distance = np.abs(np.arange(1, n + 1) / n - (1 - np.exp(-gaps))).max()
    assert distance < 2.0 / np.sqrt(n)  # Kolmogorov-Smirnov, p < 0.001


@given(
    seed=seeds,
    regimes=st.lists(st.tuples(rates, st.floats(0, 0.05)), min_size=1, max_size=6),
    max_items=st.integers(1, 5000),
)
@settings(max_examples=50, deadline=None)
def test_each_regime_keeps_its_bounds_and_its_rate(
    seed: int, regimes: list[tuple[float, float]], max_items: int
) -> None:
    load = Regimes([Regime(f"r{i}", rate, duration) for i, (rate, duration) in enumerate(regimes)], seeded(seed))
    stretches = list(load.stretches(max_items))
    start_s = 0.0
    for index, (rate, duration) in enumerate(regimes):
        mine = [s.due_ns for s in stretches if s.phase == index]
        assert_poisson(sum(map(len, mine)), rate * duration)
        for due_ns in mine:
            assert round(start_s * 1e9) <= due_ns[0]
            assert due_ns[-1] < round((start_s + duration) * 1e9)
        start_s += duration
    if stretches:
        assert_same(joined(stretches), joined(list(load.stretches(1 << 16))))


def test_a_regime_name_may_repeat() -> None:
    load = Regimes([Regime("calm", 100, 1), Regime("rush", 1000, 1), Regime("calm", 100, 1)], seeded())
    assert load.phases == ("calm", "rush", "calm")
    assert [s.phase for s in load.stretches(10_000)] == [0, 1, 2]


def test_bursty_begins_on_and_keeps_to_its_phases() -> None:
    load = Bursty(50_000, 1_000, 20, 80, 2, seeded())
    due_ns, _, phase = joined(list(load.stretches(8192)))
    np.testing.assert_array_equal(phase, np.where(due_ns % 100_000_000 < 20_000_000, 0, 1))
    assert load.phases == ("on", "off")
    assert_poisson(int((phase == 0).sum()), 50_000 * 0.4)
    assert_poisson(int((phase == 1).sum()), 1_000 * 1.6)
    assert load.expected_items == 21_600


def test_a_silent_off_phase_gives_no_stretch() -> None:
    assert {s.phase for s in Bursty(10_000, 0, 10, 10, 1, seeded()).stretches(8192)} == {0}


def test_bursty_needs_some_length_of_its_phases() -> None:
    with pytest.raises(ValueError, match="on_ms=0 and"):
        Bursty(10, 0, 0, 0, 1, seeded())


@pytest.mark.parametrize(("start", "end"), [(0, 90_000), (10_000, 50_000), (50_000, 10_000), (30_000, 0), (5e3, 5e3)])
def test_ramp_rate_is_linear_in_every_tenth(start: float, end: float) -> None:
    due_ns, _, _ = joined(list(Ramp(start, end, 2, seeded()).stretches(8192)))
    counts, _ = np.histogram(due_ns, bins=np.linspace(0, 2e9, 11))
    for tenth, count in enumerate(counts):
        assert_poisson(int(count), (start + (end - start) * (tenth + 0.5) / 10) * 0.2)


def test_nothing_arrives_at_rate_zero() -> None:
    rng = seeded()
    for load in (Constant(0, 1), Poisson(0, 1, rng), Ramp(0, 0, 1, rng), Bursty(0, 0, 1, 1, 1, rng)):
        assert list(load.stretches(100)) == []


def test_another_seed_gives_other_arrivals() -> None:
    a, b = (joined(list(Poisson(1000, 1, seeded(seed)).stretches(8192)))[0] for seed in (1, 2))
    assert not np.array_equal(a[:100], b[:100])
