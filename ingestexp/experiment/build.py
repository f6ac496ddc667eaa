"""From a checked config to the parts of a run: one `match` a group, nothing registered anywhere else.

Must live here: which schema stands for which adapter, the named random streams, units turned into the core's. Must
not: Hydra, the run itself. Adapters are imported where they are chosen: looking at a config must not cost a pyarrow.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from ingestexp.core.policy import Overflow
from ingestexp.core.queue import Bounds
from ingestexp.core.retry import Retry
from ingestexp.core.span import NEVER
from ingestexp.core.window import Limits
from ingestexp.experiment.schema import load as loads
from ingestexp.experiment.schema import payload as payloads
from ingestexp.experiment.schema import pipeline
from ingestexp.experiment.schema import sink as sinks
from ingestexp.ports import Notices, Saturate

if TYPE_CHECKING:
    from ingestexp.experiment.schema import RunConfig
    from ingestexp.ports import CostModel, Load, Payloads, Sink


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run is driven with."""

    load: Load | Saturate
    payloads: Payloads
    sink: Sink
    limits: Limits
    bounds: Bounds
    overflow: Overflow
    retry: Retry
    ordered: bool
    workers: int
    jitter_rng: np.random.Generator

    @property
    def cost(self) -> CostModel:
        """The modelled sink's cost: what the simulated clock asks for. Raises TypeError for a real sink."""
        if not hasattr(self.sink, "service_ns"):
            raise TypeError(f"sink={self.sink.name} has no cost model")
        return cast("CostModel", self.sink)


@dataclass(slots=True)
class Inputs:
    """The load and the payloads, with what they had to say while their files were read."""

    load: Load | Saturate
    payloads: Payloads
    notices: Notices = field(default_factory=Notices)


_ready: Final[list[tuple[dict[str, Any], Inputs]]] = []
"""The last kept inputs, so that a recording is read once: before the run folder exists (`preflight`)."""


def stream(seed: int, name: str) -> np.random.Generator:
    """The random stream of this name: independent of the others, the same for the same seed, always.

    Names in use: arrivals, payload, sink_noise, retry_jitter.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(name.encode())]))


def keep(config: RunConfig, inputs: Inputs) -> None:
    """Hand inputs over to the `build` of the same config."""
    _ready[:] = [(asdict(config), inputs)]


def build(config: RunConfig, run_dir: Path, notices: Notices) -> Parts:
    """The parts of a checked config. Raises ValueError (files) and OSError in words meant for the user."""
    inputs = _ready.pop()[1] if _ready and _ready[0][0] == asdict(config) else read_inputs(config)
    for line in inputs.notices.lines:
        notices.add(line)
    overflow, bounds = _policy(config.policy)
    retry, ordered = _retry(config.on_failure)
    return Parts(
        load=inputs.load,
        payloads=inputs.payloads,
        sink=make_sink(config, run_dir),
        limits=_limits(config.window),
        bounds=bounds,
        overflow=overflow,
        retry=retry,
        ordered=ordered,
        workers=getattr(config.sink, "workers", 1),
        jitter_rng=stream(config.seed, "retry_jitter"),
    )


def read_inputs(config: RunConfig) -> Inputs:
    notices = Notices()
    return Inputs(make_load(config, notices), make_payloads(config, notices), notices)


def make_load(config: RunConfig, notices: Notices) -> Load | Saturate:
    rng = stream(config.seed, "arrivals")
    match config.load:
        case loads.ConstantLoad() as load:
            from ingestexp.adapters.loads.constant import Constant

            return Constant(rate_per_s=load.rate_per_s, duration_s=load.duration_s)
        case loads.PoissonLoad() as load:
            from ingestexp.adapters.loads.poisson import Poisson

            return Poisson(rate_per_s=load.rate_per_s, duration_s=load.duration_s, rng=rng)
        case loads.BurstyLoad() as load:
            from ingestexp.adapters.loads.bursty import Bursty

            return Bursty(
                rate_per_s=load.rate_per_s,
                idle_rate_per_s=load.idle_rate_per_s,
                on_ms=load.on_ms,
                off_ms=load.off_ms,
                duration_s=load.duration_s,
                rng=rng,
            )
        case loads.RampLoad() as load:
            from ingestexp.adapters.loads.ramp import Ramp

            return Ramp(
                rate_per_s=load.rate_per_s, end_rate_per_s=load.end_rate_per_s, duration_s=load.duration_s, rng=rng
            )
        case loads.RegimesLoad() as load:
            from ingestexp.adapters.loads.regimes import Regime, Regimes

            return Regimes([Regime(r.name, r.rate_per_s, r.duration_s) for r in load.regimes], rng=rng)
        case loads.ReplayLoad() as load:
            from ingestexp.adapters.loads.replay import Replay

            return Replay(
                path=Path(load.path or ""),
                timestamp_column=load.timestamp_column,
                size_column=load.size_column,
                count_column=load.count_column,
                timestamp_pattern=load.timestamp_pattern,
                timestamp_format=load.timestamp_format,
                time_scale=load.time_scale,
                loop=load.loop,
                part=(load.from_ratio, load.to_ratio),
                notices=notices,
            )
        case loads.SaturateLoad() as load:
            return Saturate(load.item_count, None if load.duration_s is None else round(load.duration_s * 1e9))
        case other:
            raise TypeError(f"no load stands for {type(other).__name__}")


def make_payloads(config: RunConfig, notices: Notices) -> Payloads:
    rng = stream(config.seed, "payload")
    match config.payload:
        case payloads.JsonEventPayload() as payload:
            from ingestexp.adapters.payloads.json_event import JsonEvent

            return JsonEvent(size_bytes=payload.size_bytes, size_cv=payload.size_cv, rng=rng)
        case payloads.RandomPayload() as payload:
            from ingestexp.adapters.payloads.random_bytes import RandomBytes

            return RandomBytes(size_bytes=payload.size_bytes, size_cv=payload.size_cv, rng=rng)
        case payloads.LinesPayload() as payload:
            from ingestexp.adapters.payloads.lines import Lines

            return Lines(path=Path(payload.path or ""), notices=notices)
        case other:
            raise TypeError(f"no payload stands for {type(other).__name__}")


def make_sink(config: RunConfig, run_dir: Path) -> Sink:
    """Not opened yet. A relative path lies in the run folder."""
    match config.sink:
        case sinks.SqliteSinkConfig() as sink:
            from ingestexp.adapters.sinks.sqlite import SqliteSink

            path = run_dir / (sink.path or "sink.sqlite")
            return SqliteSink(path, sink.workers, sink.check_json, sink.schema_version)
        case sinks.LogFileSinkConfig() as sink:
            from ingestexp.adapters.sinks.log_file import LogFileSink

            return LogFileSink(path=run_dir / (sink.path or "sink.log"), workers=sink.workers)
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
        case pipeline.UnboundedPolicy():
            return Overflow.UNBOUNDED, Bounds(items=NEVER, nbytes=NEVER)
        case other:
            raise TypeError(f"no policy stands for {type(other).__name__}")


def _bounds(capacity: int, capacity_bytes: int | None) -> Bounds:
    return Bounds(items=capacity, nbytes=NEVER if capacity_bytes is None else capacity_bytes)


def _retry(on_failure: pipeline.OnFailureConfig) -> tuple[Retry, bool]:
    """(backoff and attempt limit, whether order is kept)."""
    match on_failure:
        case pipeline.RetryBatch():
            backoff_ns, most_ns = round(on_failure.backoff_ms * 1e6), round(on_failure.max_backoff_ms * 1e6)
            attempts, factor, jitter = on_failure.max_attempts, on_failure.backoff_factor, on_failure.jitter
            return Retry(attempts, backoff_ns, factor, most_ns, jitter), on_failure.ordered
        case other:
            raise TypeError(f"no on_failure stands for {type(other).__name__}")
