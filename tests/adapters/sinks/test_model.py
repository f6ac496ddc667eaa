"""The modelled sink: its formula, its noise, its files of measured noise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingestexp.adapters.sinks.model import ModelSink, Noise, NoiseFileError
from tests.contracts.batches import json_batch
from tests.contracts.sink_contract import SinkContract

if TYPE_CHECKING:
    from pathlib import Path


def model(noise: Noise = Noise.none, cv: float = 0.0, path: Path | None = None, seed: int = 1) -> ModelSink:
    return ModelSink(
        fixed_ms=1.0,
        per_item_us=2.0,
        per_byte_ns=3.0,
        noise=noise,
        noise_cv=cv,
        noise_path=path,
        rng=np.random.default_rng(seed),
    )


class TestModel(SinkContract):
    def make(self, path: Path, workers: int = 1) -> ModelSink:
        return model()

    def test_sleeps_as_long_as_it_costs(self, path: Path) -> None:
        batch = json_batch(0, 1000)
        cost_ns = model().service_ns(1000, batch.payload_bytes)
        started = time.monotonic_ns()
        (settled,) = self.written(path, batch)
        assert time.monotonic_ns() - started >= cost_ns > 3_000_000
        assert settled.commits == 1
        assert ModelSink.simulated
        assert not ModelSink.durable


def test_the_cost_is_fixed_plus_items_plus_bytes() -> None:
    assert model().service_ns(512, 100_000) == 1_000_000 + 512 * 2_000 + 100_000 * 3


def test_describes_its_parameters() -> None:
    assert model(Noise.lognormal, 0.3).describe()["cost_parameters"] == {
        "fixed_ms": 1.0,
        "per_item_us": 2.0,
        "per_byte_ns": 3.0,
        "noise": "lognormal",
        "noise_cv": 0.3,
        "noise_path": None,
    }


@pytest.mark.parametrize(("noise", "cv", "expected_cv"), [("lognormal", 0.5, 0.5), ("exponential", 0.0, 1.0)])
def test_noise_has_mean_one_and_its_cv(noise: str, cv: float, expected_cv: float) -> None:
    sink = model(Noise(noise), cv)
    costs = np.array([sink.service_ns(1, 0) for _ in range(200_000)]) / 1_002_000
    assert costs.mean() == pytest.approx(1, abs=5 * expected_cv / 200_000**0.5)
    assert costs.std() == pytest.approx(expected_cv, rel=0.03)


def test_the_same_seed_gives_the_same_costs() -> None:
    first, again, other = (model(Noise.lognormal, 0.5, seed=seed) for seed in (1, 1, 2))
    costs = [first.service_ns(n, 10 * n) for n in range(10_000)]
    assert costs == [again.service_ns(n, 10 * n) for n in range(10_000)]
    assert costs != [other.service_ns(n, 10 * n) for n in range(10_000)]


def test_empirical_noise_is_drawn_from_the_file_with_mean_one(tmp_path: Path) -> None:
    file = tmp_path / "service.csv"
    file.write_text("service_ms  # measured\n1.0, 2.0\n\n# a comment\n6\n")
    sink = model(Noise.empirical, path=file)
    seen = {round(sink.service_ns(1, 0) / 1_002_000, 4) for _ in range(5000)}
    assert seen == {0.3333, 0.6667, 2.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n2\n-3\n", r"noise, line 3: '-3' is not a positive number"),
        ("ms\n1\nfast\n", r"noise, line 3: 'fast' is not a positive number"),
        ("0\n", r"noise, line 1: '0' is not a positive number"),
        ("1\n1,inf\n", r"noise, line 2: 'inf' is not a positive number"),
        ("# nothing\n", r"sink\.noise_path=.*noise: holds no numbers"),
        (None, r"sink\.noise_path=.*noise: No such file or directory"),
    ],
)
def test_a_bad_noise_file_is_named_with_its_line(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "noise"
    if text is not None:
        file.write_text(text)
    with pytest.raises(NoiseFileError, match=message):
        model(Noise.empirical, path=file)


def test_empirical_noise_needs_a_file_and_lognormal_a_sane_cv() -> None:
    with pytest.raises(ValueError, match=r"needs sink\.noise_path"):
        model(Noise.empirical)
    with pytest.raises(ValueError, match=r"sink\.noise_cv=-1"):
        model(Noise.lognormal, -1)
