"""What may be said about a sink: one dataclass a choice of the group `sink`.

Must live here: keys, types, defaults. Must not: range checks (`validate`), construction (`build`), secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class SinkKind(Enum):
    sqlite = "sqlite"
    log_file = "log_file"
    null = "null"
    model = "model"


class Noise(Enum):
    none = "none"
    lognormal = "lognormal"
    exponential = "exponential"
    empirical = "empirical"


@dataclass
class SinkConfig:
    """`kind` is set by the choice (`sink=…`)."""


@dataclass
class SqliteSinkConfig(SinkConfig):
    """`path` null: inside the run folder."""

    kind: SinkKind = SinkKind.sqlite
    path: str | None = None
    workers: int = 1
    check_json: bool = True
    schema_version: int = 1


@dataclass
class LogFileSinkConfig(SinkConfig):
    """`path` null: inside the run folder."""

    kind: SinkKind = SinkKind.log_file
    path: str | None = None
    workers: int = 1


@dataclass
class NullSinkConfig(SinkConfig):
    kind: SinkKind = SinkKind.null
    workers: int = 1


@dataclass
class ModelSinkConfig(SinkConfig):
    """A batch of n items and b bytes takes (fixed_ms + per_item_us * n + per_byte_ns * b) times noise of mean 1."""

    kind: SinkKind = SinkKind.model
    fixed_ms: float = 3.0
    per_item_us: float = 25.0
    per_byte_ns: float = 0.0
    noise: Noise = Noise.none
    noise_cv: float = 0.5
    noise_path: str | None = None
    workers: int = 1
