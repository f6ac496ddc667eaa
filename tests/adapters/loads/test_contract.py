"""Every load holds the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingestexp.adapters.loads.bursty import Bursty
from ingestexp.adapters.loads.constant import Constant
from ingestexp.adapters.loads.poisson import Poisson
from ingestexp.adapters.loads.ramp import Ramp
from ingestexp.adapters.loads.regimes import Regime, Regimes
from ingestexp.adapters.loads.replay import Replay
from ingestexp.ports import Notices
from tests.contracts.load_contract import LoadContract

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.ports import Load


def seeded() -> np.random.Generator:
    return np.random.default_rng(11)


class TestConstant(LoadContract):
    def make(self) -> Load:
        return Constant(12_345.6, 1.7)


class TestPoisson(LoadContract):
    def make(self) -> Load:
        return Poisson(20_000, 2, seeded())


class TestBursty(LoadContract):
    def make(self) -> Load:
        return Bursty(60_000, 500, 3.5, 20, 1.0, seeded())


class TestBurstyWithSilence(LoadContract):
    def make(self) -> Load:
        return Bursty(5_000, 0, 0.3, 0.7, 1.0, seeded())  # phases of one item or none


class TestRampUp(LoadContract):
    def make(self) -> Load:
        return Ramp(0, 20_000, 2, seeded())


class TestRampDown(LoadContract):
    def make(self) -> Load:
        return Ramp(20_000, 0, 2, seeded())


class TestRegimes(LoadContract):
    def make(self) -> Load:
        regimes = [Regime("low", 500, 0.5), Regime("high", 30_000, 0.5), Regime("off", 0, 0.1), Regime("low", 500, 0.5)]
        return Regimes(regimes, seeded())


class TestReplay(LoadContract):
    @pytest.fixture(autouse=True)
    def recorded(self, tmp_path: Path) -> None:
        rng = seeded()
        stamps = np.sort(rng.integers(0, 10**9, 700))
        rows = (f"{stamp / 1e6:.6f},{rng.integers(0, 500)},{rng.integers(0, 9)}" for stamp in stamps)
        self.path = tmp_path / "recorded.csv"
        self.path.write_text("\n".join(["at,bytes,items", *rows]))

    def make(self) -> Load:
        return Replay(self.path, "at", "bytes", "items", None, None, 10.0, 3, Notices())
