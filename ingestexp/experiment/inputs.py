"""A run's load and payloads from its config, read once, and the named random streams.

Must live here: which schema stands for which load and payload. Must not: sinks, what the core is made of (`build`).
Adapters are imported where they are chosen: looking at a config must not cost a pyarrow.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.experiment.schema import load as loads
from ingestexp.experiment.schema import payload as payloads
from ingestexp.ports import Notices, Saturate

if TYPE_CHECKING:
    from ingestexp.experiment.schema import RunConfig
    from ingestexp.ports import Load, Payloads


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

    Names in use: arrivals, payload, sink_noise, retry_jitter, poison, flaky_sink.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(name.encode())]))


def keep(config: RunConfig, inputs: Inputs) -> None:
    """Hand inputs over to the `build` of the same config."""
    _ready[:] = [(asdict(config), inputs)]


def kept_or_read(config: RunConfig) -> Inputs:
    """What was kept for this very config, else read now. Raises as `read_inputs`."""
    return _ready.pop()[1] if _ready and _ready[0][0] == asdict(config) else read_inputs(config)


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
