"""What a well-typed configuration may still get wrong: ranges, contradictions, files that aren't there.

Must live here: checks on the typed config, all of them in one pass. Must not: Hydra, reading files' contents
(`preflight`), the ranges themselves (`limits`), what may be wrong with a file's name (`named_files`).
"""

from __future__ import annotations

import math
import re
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from ingestexp.experiment.clock_check import clock_mistakes
from ingestexp.experiment.limits import MOST_ITEMS, MOST_PHASES, RANGES
from ingestexp.experiment.mistake import Mistake, shown
from ingestexp.experiment.named_files import file_to_read, file_to_write
from ingestexp.experiment.schema.load import RegimesLoad, ReplayLoad, SaturateLoad
from ingestexp.experiment.schema.payload import JsonEventPayload, LinesPayload, RandomPayload
from ingestexp.experiment.schema.pipeline import (
    BlockPolicy,
    DropNewestPolicy,
    DropOldestPolicy,
    SpillPolicy,
    SpillThen,
)
from ingestexp.experiment.schema.sink import LogFileSinkConfig, ModelSinkConfig, Noise, SqliteSinkConfig
from ingestexp.experiment.validate_decode import decode_mistakes
from ingestexp.experiment.validate_faults import fault_mistakes
from ingestexp.experiment.validate_redrive import redrive_mistakes
from ingestexp.experiment.validate_spill import spill_mistakes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.experiment.schema.run import RunConfig

SMALLEST_JSON_EVENT_BYTES: Final = 24
"""Stated here as well as in the adapter: importing that one costs 0.2 s of pyarrow."""

TABLE_SUFFIXES: Final = (".csv", ".csv.gz", ".parquet")


def validate(config: RunConfig) -> list[Mistake]:
    """All mistakes at once, in the order of the pipeline. An empty list: the config can be built."""
    return [
        *_ranges("", config),
        *_kinds(config),
        *_load(config),
        *_item_count(config),
        *_payload(config),
        *decode_mistakes(config),
        *_queue(config),
        *spill_mistakes(config),
        *_retry(config),
        *_sink(config),
        *fault_mistakes(config),
        *clock_mistakes(config),
        *redrive_mistakes(config),
    ]


def _ranges(prefix: str, node: object) -> Iterator[Mistake]:
    """Every number of the tree against the range of its name."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _ranges(f"{prefix}[{index}]", item)
    if not is_dataclass(node):
        return
    for spec in fields(node):
        value = getattr(node, spec.name)
        key = f"{prefix}.{spec.name}" if prefix else spec.name
        if isinstance(value, int | float) and not isinstance(value, bool):
            allowed = RANGES[spec.name]
            if not allowed.holds(value):
                yield Mistake(key, shown(value), f"must be {allowed.words}")
        else:
            yield from _ranges(key, value)


def _kinds(config: RunConfig) -> Iterator[Mistake]:
    for group in ("load", "payload", "policy", "on_failure", "sink"):
        node = getattr(config, group)
        kind = getattr(node, "kind", None)
        if not isinstance(kind, Enum):
            yield Mistake(group, "", f"holds no choice of its group: pick one with {group}=…")
        elif kind is not type(node)().kind:
            yield Mistake(f"{group}.kind", kind.value, f"is set by the choice: pick it with {group}={kind.value}")


def _load(config: RunConfig) -> Iterator[Mistake]:
    load = config.load
    if isinstance(load, RegimesLoad):
        if len(load.regimes) > MOST_PHASES:
            yield Mistake("load.regimes", f"{len(load.regimes)} regimes", f"at most {MOST_PHASES} are allowed")
        if not load.regimes:
            yield Mistake("load.regimes", "[]", "needs at least one {name: …, rate_per_s: …, duration_s: …}")
        for index, regime in enumerate(load.regimes):
            if not regime.name.strip():
                yield Mistake(f"load.regimes[{index}].name", repr(regime.name), "needs a name: tables show it")
    if isinstance(load, ReplayLoad):
        yield from file_to_read("load.path", load.path)
        yield from _columns(load)
        if load.from_ratio >= load.to_ratio:
            yield Mistake("load.from_ratio", shown(load.from_ratio), f"must be below load.to_ratio={load.to_ratio}")
    if isinstance(load, SaturateLoad):
        if load.item_count is None and load.duration_s is None:
            yield Mistake("load.item_count", "null", "load=saturate has to end: set load.item_count or load.duration_s")
        waits = isinstance(config.policy, SpillPolicy) and config.policy.spill_then is SpillThen.block
        if not isinstance(config.policy, BlockPolicy) and not waits:
            why = (
                "offers as fast as the queue takes, so it needs policy=block (or policy=spill with spill_then=block):"
                " another one would drop or hoard it"
            )
            yield Mistake("load", "saturate", why)


def _item_count(config: RunConfig) -> Iterator[Mistake]:
    load = config.load
    rate_per_s = max(getattr(load, "rate_per_s", 0.0), getattr(load, "end_rate_per_s", 0.0))
    expected = rate_per_s * getattr(load, "duration_s", 0.0) if rate_per_s else 0.0
    if isinstance(load, RegimesLoad):
        expected = sum(regime.rate_per_s * regime.duration_s for regime in load.regimes)
    if math.isfinite(expected) and expected > MOST_ITEMS:
        yield Mistake("load", "", f"makes about {expected:,.0f} items; a run has at most {MOST_ITEMS:,}")


def _columns(load: ReplayLoad) -> Iterator[Mistake]:
    """Tables have columns, log lines a pattern (a CSV with a pattern is read as log lines)."""
    if load.path is None:
        return
    if load.path.lower().endswith(TABLE_SUFFIXES) and load.timestamp_pattern is None:
        return
    for key in ("timestamp_column", "size_column", "count_column"):
        if getattr(load, key) is not None:
            why = f"is for tables ({', '.join(TABLE_SUFFIXES)}), and {load.path} is read as log lines"
            yield Mistake(f"load.{key}", getattr(load, key), why)
    if load.timestamp_pattern is not None:
        try:
            groups = re.compile(load.timestamp_pattern).groups
        except re.error as error:
            yield Mistake("load.timestamp_pattern", load.timestamp_pattern, f"is no regular expression: {error}")
        else:
            if groups != 1:
                why = f"needs exactly one group (…) around the time stamp; it has {groups}"
                yield Mistake("load.timestamp_pattern", load.timestamp_pattern, why)


def _payload(config: RunConfig) -> Iterator[Mistake]:
    payload = config.payload
    if isinstance(payload, LinesPayload):
        yield from file_to_read("payload.path", payload.path)
        if isinstance(config.load, ReplayLoad) and config.load.size_column is not None:
            why = "lines can't be cut to recorded sizes: leave it out, or take payload=json_event or payload=random"
            yield Mistake("load.size_column", config.load.size_column, why)
    if isinstance(payload, JsonEventPayload) and 1 <= payload.size_bytes < SMALLEST_JSON_EVENT_BYTES:
        why = f"a JSON event has at least {SMALLEST_JSON_EVENT_BYTES} bytes (payload=random has no such limit)"
        yield Mistake("payload.size_bytes", shown(payload.size_bytes), why)


def _queue(config: RunConfig) -> Iterator[Mistake]:
    """A window that can't be filled from the queue it is cut from."""
    policy, window = config.policy, config.window
    if not isinstance(policy, BlockPolicy | DropNewestPolicy | DropOldestPolicy):
        return
    blocks = isinstance(policy, BlockPolicy)
    if window.max_size > policy.capacity >= 1:
        why = f"only policy.capacity={policy.capacity} items may wait, so a batch of this size never fills"
        if blocks:
            why += ": under policy=block the source would be held back for good (deadlock). "
            yield Mistake("window.max_size", shown(window.max_size), why + f"At most {policy.capacity} is allowed")
        elif window.max_wait_ms is None:
            why += " and without a timer (window.max_wait_ms=null) nothing would be sent"
            yield Mistake("window.max_size", shown(window.max_size), why)
    if policy.capacity_bytes is None:
        return
    if blocks and window.max_bytes is not None and window.max_bytes > policy.capacity_bytes:
        why = (
            f"only policy.capacity_bytes={policy.capacity_bytes} may wait, so a batch of so many bytes never fills:"
            " under policy=block the source would be held back for good (deadlock)"
        )
        yield Mistake("window.max_bytes", shown(window.max_bytes), why)
    if isinstance(config.payload, JsonEventPayload | RandomPayload):
        size = config.payload.size_bytes
        if size > policy.capacity_bytes:
            why = f"is less than one payload (payload.size_bytes={size}): no item would fit into the queue"
            yield Mistake("policy.capacity_bytes", shown(policy.capacity_bytes), why)


def _retry(config: RunConfig) -> Iterator[Mistake]:
    retry = config.on_failure
    if retry.max_backoff_ms < retry.backoff_ms:
        why = f"is less than the first pause, on_failure.backoff_ms={shown(retry.backoff_ms)}"
        yield Mistake("on_failure.max_backoff_ms", shown(retry.max_backoff_ms), why)


def _sink(config: RunConfig) -> Iterator[Mistake]:
    sink = config.sink
    if isinstance(sink, SqliteSinkConfig | LogFileSinkConfig) and sink.path is not None:
        yield from file_to_write("sink.path", sink.path)
    if isinstance(sink, SqliteSinkConfig) and sink.check_json and isinstance(config.payload, RandomPayload):
        why = "payload=random is not JSON and the database would refuse every item: set sink.check_json=false"
        yield Mistake("sink.check_json", "true", why)
    if isinstance(sink, SqliteSinkConfig) and not sink.check_json and sink.schema_version > 1:
        why = "is the version of the check that the database makes: it needs sink.check_json=true"
        yield Mistake("sink.schema_version", shown(sink.schema_version), why)
    if isinstance(sink, ModelSinkConfig):
        if sink.noise is Noise.lognormal and sink.noise_cv == 0:
            yield Mistake("sink.noise_cv", "0", "lognormal noise has a spread above 0 (or take sink.noise=none)")
        if sink.noise is Noise.empirical:
            yield from file_to_read("sink.noise_path", sink.noise_path)
        elif sink.noise_path is not None:
            yield Mistake("sink.noise_path", sink.noise_path, "is only for sink.noise=empirical")
