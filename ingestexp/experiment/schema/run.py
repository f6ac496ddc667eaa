"""The whole configuration of one run, as the rest of the program sees it.

Must live here: `RunConfig` and its ungrouped sections. Must not: Hydra, range checks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ingestexp.experiment.schema.decode import DecodeConfig
from ingestexp.experiment.schema.fault import FaultSection
from ingestexp.experiment.schema.load import LoadConfig, PoissonLoad
from ingestexp.experiment.schema.payload import JsonEventPayload, PayloadConfig
from ingestexp.experiment.schema.pipeline import BlockPolicy, OnFailureConfig, PolicyConfig, RetryBatch, WindowConfig
from ingestexp.experiment.schema.redrive import RedriveSection
from ingestexp.experiment.schema.sink import SinkConfig, SqliteSinkConfig
from ingestexp.experiment.schema.sweep import ExperimentSection, SweepSection


class ClockKind(Enum):
    live = "live"
    simulated = "simulated"


class Progress(Enum):
    """`auto`: a line while it runs, if the output is a terminal."""

    auto = "auto"
    on = "on"
    off = "off"


@dataclass
class RunSection:
    drain_s: float = 10.0


@dataclass
class TraceSection:
    enabled: bool = True
    sample_every_ms: float = 50.0


@dataclass
class MemorySection:
    """`limit_mb` (of 1,048,576 bytes): the run gets a process of its own that may hold so much; null: no limit."""

    limit_mb: float | None = None


@dataclass
class SloConfig:
    """`percentile` % of the items settle within `bound_ms` of their intended arrival, warm-up aside."""

    percentile: float = 99.0
    bound_ms: float = 50.0
    warmup_s: float = 0.5
    confidence: float = 0.95


@dataclass
class RunConfig:
    """One run. The groups hold one of the choices' dataclasses; `build` tells them apart by their class."""

    seed: int = 1
    clock: ClockKind = ClockKind.live
    progress: Progress = Progress.auto
    load: LoadConfig = field(default_factory=PoissonLoad)
    payload: PayloadConfig = field(default_factory=JsonEventPayload)
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    policy: PolicyConfig = field(default_factory=BlockPolicy)
    window: WindowConfig = field(default_factory=WindowConfig)
    on_failure: OnFailureConfig = field(default_factory=RetryBatch)
    sink: SinkConfig = field(default_factory=SqliteSinkConfig)
    fault: FaultSection = field(default_factory=FaultSection)
    slo: SloConfig = field(default_factory=SloConfig)
    run: RunSection = field(default_factory=RunSection)
    trace: TraceSection = field(default_factory=TraceSection)
    memory: MemorySection = field(default_factory=MemorySection)
    redrive: RedriveSection = field(default_factory=RedriveSection)
    sweep: SweepSection = field(default_factory=SweepSection)
    experiment: ExperimentSection = field(default_factory=ExperimentSection)
