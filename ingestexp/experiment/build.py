"""From a checked config to the parts of a run: one `match` a group, nothing registered anywhere else.

Must live here: which schema stands for which adapter, units turned into the core's. Must not: Hydra, the run itself,
loads and payloads (`inputs`). Adapters are imported where they are chosen: looking at a config must not cost a pyarrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ingestexp.core import on_failure
from ingestexp.core.policy import Overflow
from ingestexp.core.queue import Bounds
from ingestexp.core.retry import Retry
from ingestexp.core.span import NEVER
from ingestexp.core.window import Limits
from ingestexp.experiment.build_decode import enveloped
from ingestexp.experiment.inputs import kept_or_read, stream
from ingestexp.experiment.schema import pipeline
from ingestexp.experiment.schema import sink as sinks
from ingestexp.experiment.spill import Spilling, make_spill

if TYPE_CHECKING:
    import numpy as np

    from ingestexp.core.on_failure import OnFailure
    from ingestexp.engine.redrive_lane import Redriving
    from ingestexp.experiment.redrive import Redrive
    from ingestexp.experiment.schema import RunConfig
    from ingestexp.ports import CostModel, Load, Notices, Payloads, Saturate, Sink


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run is driven with."""

    load: Load | Saturate
    payloads: Payloads
    sink: Sink
    limits: Limits
    bounds: Bounds
    overflow: Overflow
    spilling: Spilling | None
    on_failure: OnFailure
    ordered: bool
    workers: int
    jitter_rng: np.random.Generator
    redrive: Redrive | None = None

    @property
    def redriving(self) -> Redriving | None:
        """What is offered beside the load; known once the redrive has taken over the open store."""
        return None if self.redrive is None else self.redrive.redriving

    @property
    def base_id(self) -> int:
        """Of the load's first item."""
        return 0 if self.redrive is None else self.redrive.base_id

    def of_the_load(self, offered: int) -> int:
        """How many of so many items that the core was offered were the load's own."""
        return offered if self.redrive is None else offered - self.redrive.count

    @property
    def cost(self) -> CostModel:
        """The modelled sink's cost: what the simulated clock asks for. Raises TypeError for a real sink."""
        if not hasattr(self.sink, "service_ns"):
            raise TypeError(f"sink={self.sink.name} has no cost model")
        return cast("CostModel", self.sink)


def build(config: RunConfig, run_dir: Path, notices: Notices) -> Parts:
    """The parts of a checked config. Raises ValueError (files) and OSError in words meant for the user."""
    inputs = kept_or_read(config)
    for line in inputs.notices.lines:
        notices.add(line)
    overflow, bounds = _policy(config.policy)
    redrive = None
    if config.redrive.folder is not None:
        from ingestexp.experiment.redrive import Redrive

        redrive = Redrive(config)
    return Parts(
        load=enveloped(inputs.load, config, run_dir),
        payloads=inputs.payloads,
        sink=make_sink(config, run_dir, None if redrive is None else redrive.store),
        limits=_limits(config.window),
        bounds=bounds,
        overflow=overflow,
        spilling=make_spill(config, run_dir),
        on_failure=_on_failure(config.on_failure),
        ordered=config.on_failure.ordered,
        workers=getattr(config.sink, "workers", 1),
        jitter_rng=stream(config.seed, "retry_jitter"),
        redrive=redrive,
    )


def make_sink(config: RunConfig, run_dir: Path, store: Path | None = None) -> Sink:
    """Not opened yet. A relative path lies in the run folder. `store`: the one of an earlier run, to go on with."""
    match config.sink:
        case sinks.SqliteSinkConfig() as sink:
            from ingestexp.adapters.sinks.sqlite import SqliteSink

            path = store or run_dir / (sink.path or "sink.sqlite")
            return SqliteSink(path, sink.workers, sink.check_json, sink.schema_version, resume=store is not None)
        case sinks.LogFileSinkConfig() as sink:
            from ingestexp.adapters.sinks.log_file import LogFileSink

            path = store or run_dir / (sink.path or "sink.log")
            return LogFileSink(path, sink.workers, resume=store is not None)
        case sinks.NullSinkConfig():
            from ingestexp.adapters.sinks.null import NullSink

            return NullSink()
        case sinks.ModelSinkConfig() as sink:
            from ingestexp.adapters.sinks.model import ModelSink
            from ingestexp.adapters.sinks.noise import Noise

            return ModelSink(
                fixed_ms=sink.fixed_ms,
                per_item_us=sink.per_item_us,
                per_byte_ns=sink.per_byte_ns,
                noise=Noise(sink.noise.value),
                noise_cv=sink.noise_cv,
                noise_path=None if sink.noise_path is None else Path(sink.noise_path),
                rng=stream(config.seed, "sink_noise"),
            )
        case other:
            raise TypeError(f"no sink stands for {type(other).__name__}")


def _limits(window: pipeline.WindowConfig) -> Limits:
    return Limits(
        max_size=window.max_size,
        max_wait_ns=NEVER if window.max_wait_ms is None else round(window.max_wait_ms * 1e6),
        max_bytes=NEVER if window.max_bytes is None else window.max_bytes,
    )


def _policy(policy: pipeline.PolicyConfig) -> tuple[Overflow, Bounds]:
    match policy:
        case pipeline.BlockPolicy():
            return Overflow.BLOCK, _bounds(policy.capacity, policy.capacity_bytes)
        case pipeline.DropNewestPolicy():
            return Overflow.DROP_NEWEST, _bounds(policy.capacity, policy.capacity_bytes)
        case pipeline.DropOldestPolicy():
            return Overflow.DROP_OLDEST, _bounds(policy.capacity, policy.capacity_bytes)
        case pipeline.SpillPolicy():
            return Overflow.SPILL, _bounds(policy.capacity, policy.capacity_bytes)
        case pipeline.UnboundedPolicy():
            return Overflow.UNBOUNDED, Bounds(items=NEVER, nbytes=NEVER)
        case other:
            raise TypeError(f"no policy stands for {type(other).__name__}")


def _bounds(capacity: int, capacity_bytes: int | None) -> Bounds:
    return Bounds(items=capacity, nbytes=NEVER if capacity_bytes is None else capacity_bytes)


def _on_failure(config: pipeline.OnFailureConfig) -> OnFailure:
    backoff_ns, most_ns = round(config.backoff_ms * 1e6), round(config.max_backoff_ms * 1e6)
    attempts = NEVER if config.max_attempts is None else config.max_attempts
    retry = Retry(attempts, backoff_ns, config.backoff_factor, most_ns, config.jitter)
    match config:
        case pipeline.RetryBatch():
            return on_failure.RetryBatch(retry)
        case pipeline.SkipBatch():
            return on_failure.SkipBatch(retry)
        case pipeline.SplitAndRetry():
            return on_failure.SplitAndRetry(retry)
        case pipeline.ReportItems():
            return on_failure.ReportItems(retry)
        case other:
            raise TypeError(f"no on_failure stands for {type(other).__name__}")
