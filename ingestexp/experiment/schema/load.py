"""What may be said about a load: one dataclass a choice of the group `load`.

Must live here: keys, types, defaults. Must not: range checks (`validate`), construction (`build`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class LoadKind(Enum):
    constant = "constant"
    poisson = "poisson"
    bursty = "bursty"
    ramp = "ramp"
    regimes = "regimes"
    replay = "replay"
    saturate = "saturate"


@dataclass
class LoadConfig:
    """`kind` is set by the choice (`load=…`), never by hand: it tells equal keys of two kinds apart in the evidence."""


@dataclass
class ConstantLoad(LoadConfig):
    kind: LoadKind = LoadKind.constant
    rate_per_s: float = 20_000.0
    duration_s: float = 5.0


@dataclass
class PoissonLoad(LoadConfig):
    kind: LoadKind = LoadKind.poisson
    rate_per_s: float = 20_000.0
    duration_s: float = 5.0


@dataclass
class BurstyLoad(LoadConfig):
    kind: LoadKind = LoadKind.bursty
    rate_per_s: float = 60_000.0
    idle_rate_per_s: float = 2_000.0
    on_ms: float = 200.0
    off_ms: float = 800.0
    duration_s: float = 5.0


@dataclass
class RampLoad(LoadConfig):
    kind: LoadKind = LoadKind.ramp
    rate_per_s: float = 1_000.0
    end_rate_per_s: float = 50_000.0
    duration_s: float = 10.0


@dataclass
class RegimeConfig:
    name: str = "steady"
    rate_per_s: float = 20_000.0
    duration_s: float = 5.0


@dataclass
class RegimesLoad(LoadConfig):
    kind: LoadKind = LoadKind.regimes
    regimes: list[RegimeConfig] = field(default_factory=list)


@dataclass
class ReplayLoad(LoadConfig):
    """`path` null is the user's job to fill in; the columns are for tables, the pattern and format for log lines."""

    kind: LoadKind = LoadKind.replay
    path: str | None = None
    timestamp_column: str | None = None
    size_column: str | None = None
    count_column: str | None = None
    timestamp_pattern: str | None = None
    timestamp_format: str | None = None
    time_scale: float = 1.0
    loop: int = 1
    from_ratio: float = 0.0
    to_ratio: float = 1.0


@dataclass
class SaturateLoad(LoadConfig):
    kind: LoadKind = LoadKind.saturate
    item_count: int | None = 1_000_000
    duration_s: float | None = None
