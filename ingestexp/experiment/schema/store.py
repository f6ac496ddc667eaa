"""Tells Hydra which dataclass stands behind which choice: the visible list of everything that can be configured.

Must live here: the registration in Hydra's ConfigStore and our resolvers (run folder names, shipped recordings). Must
not: the schemas.
A YAML choice draws its schema in by `defaults: [/schema/load/poisson@_here_, _self_]`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, OmegaConf

from ingestexp.experiment.paths import RECORDINGS
from ingestexp.experiment.schema import decode, fault, load, payload, pipeline, run, sink

SCHEMAS: Final[dict[str, dict[str, type]]] = {
    "load": {
        "constant": load.ConstantLoad,
        "poisson": load.PoissonLoad,
        "bursty": load.BurstyLoad,
        "ramp": load.RampLoad,
        "regimes": load.RegimesLoad,
        "replay": load.ReplayLoad,
        "saturate": load.SaturateLoad,
    },
    "payload": {
        "json_event": payload.JsonEventPayload,
        "random": payload.RandomPayload,
        "lines": payload.LinesPayload,
    },
    "decode": {"decode": decode.DecodeConfig},
    "policy": {
        "block": pipeline.BlockPolicy,
        "drop_newest": pipeline.DropNewestPolicy,
        "drop_oldest": pipeline.DropOldestPolicy,
        "unbounded": pipeline.UnboundedPolicy,
        "spill": pipeline.SpillPolicy,
    },
    "window": {"window": pipeline.WindowConfig},
    "on_failure": {
        "retry_batch": pipeline.RetryBatch,
        "skip_batch": pipeline.SkipBatch,
        "split_and_retry": pipeline.SplitAndRetry,
        "report_items": pipeline.ReportItems,
    },
    "sink": {
        "sqlite": sink.SqliteSinkConfig,
        "log_file": sink.LogFileSinkConfig,
        "null": sink.NullSinkConfig,
        "model": sink.ModelSinkConfig,
    },
    "fault": dict(fault.FAULTS),
    "slo": {"slo": run.SloConfig},
}


@dataclass
class _Root(run.RunConfig):
    """The groups are empty until a choice fills them: a default would refuse to become another choice."""

    load: load.LoadConfig = MISSING
    payload: payload.PayloadConfig = MISSING
    policy: pipeline.PolicyConfig = MISSING
    window: pipeline.WindowConfig = MISSING
    on_failure: pipeline.OnFailureConfig = MISSING
    sink: sink.SinkConfig = MISSING
    slo: run.SloConfig = MISSING


def register() -> None:
    """Idempotent."""
    store = ConfigStore.instance()
    store.store("run", _Root, group="schema")
    for group, choices in SCHEMAS.items():
        for name, schema in choices.items():
            store.store(name, schema, group=f"schema/{group}")
    # two runs may start in the same second; cached, so that one config always names the same folder
    OmegaConf.register_new_resolver("random_hex", lambda: secrets.token_hex(3), use_cache=True, replace=True)
    OmegaConf.register_new_resolver("recording", lambda name: str(RECORDINGS / name), replace=True)
    OmegaConf.register_new_resolver("dashed", lambda name: f"-{name}" if name else "", replace=True)
