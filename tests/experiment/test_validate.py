"""Each contradiction and range: found, named by its key, and all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestexp.experiment.compose import plan
from ingestexp.experiment.schema import RunConfig
from ingestexp.experiment.schema.load import SaturateLoad
from ingestexp.experiment.schema.pipeline import DropNewestPolicy, WindowConfig
from ingestexp.experiment.schema.sink import ModelSinkConfig
from ingestexp.experiment.validate import SMALLEST_JSON_EVENT_BYTES, validate

if TYPE_CHECKING:
    from pathlib import Path


def keys(*overrides: str) -> list[str]:
    return [mistake.key for mistake in plan(list(overrides)).mistakes]


def test_the_default_has_no_mistake() -> None:
    assert validate(RunConfig()) == []


OUT_OF_RANGE = [
    {"seed": -1, "load.rate_per_s": 0, "load.duration_s": 0, "payload.size_bytes": 0, "payload.size_cv": -0.1},
    {"seed": 2**64, "load.rate_per_s": "inf", "load.duration_s": 1e7, "payload.size_bytes": 10**9},
    {"load.rate_per_s": "nan", "policy.capacity": 0, "policy.capacity_bytes": 0, "sink.workers": 0},
    {"load.rate_per_s": -3, "window.max_size": 0, "window.max_wait_ms": -1, "window.max_bytes": 0},
    {"on_failure.max_attempts": 0, "on_failure.backoff_factor": 0.5, "on_failure.jitter": 1.1},
    {"slo.percentile": 100, "slo.bound_ms": 0, "slo.confidence": 1, "run.drain_s": -1, "trace.sample_every_ms": 0},
    {"slo.percentile": 0, "slo.confidence": 0.4, "slo.warmup_s": -1},
]


@pytest.mark.parametrize("values", OUT_OF_RANGE)
def test_every_number_out_of_its_range_is_named_with_its_range(values: dict[str, object]) -> None:
    found = plan([f"{key}={value}" for key, value in values.items()]).mistakes
    assert {mistake.key for mistake in found if mistake.why.startswith("must be a")} == values.keys()


@pytest.mark.parametrize(
    ("overrides", "key", "words"),
    [
        (["window.max_size=64", "policy.capacity=63"], "window.max_size", "deadlock"),
        (["window.max_bytes=2000", "policy.capacity_bytes=1999"], "window.max_bytes", "deadlock"),
        (["policy.capacity_bytes=100"], "policy.capacity_bytes", "no item would fit"),
        (["policy=drop_oldest", "policy.capacity=9", "window.max_wait_ms=null"], "window.max_size", "without a timer"),
        (["load=saturate", "policy=drop_newest"], "load", "policy=block"),
        (["load=saturate", "load.item_count=null"], "load.item_count", "has to end"),
        (["clock=simulated"], "clock", "sink=model"),
        (["clock=simulated", "sink=model", "load=saturate"], "clock", "load=saturate"),
        (["clock=simulated", "sink=model", "memory.limit_mb=300"], "memory.limit_mb", "no payloads"),
        (["memory.limit_mb=0"], "memory.limit_mb", "must be at least 1"),
        (["payload=random"], "sink.check_json", "sink.check_json=false"),
        (["payload.size_bytes=10"], "payload.size_bytes", "payload=random"),
        (["on_failure.backoff_ms=50", "on_failure.max_backoff_ms=10"], "on_failure.max_backoff_ms", "first pause"),
        (["sink=model", "sink.noise=lognormal", "sink.noise_cv=0"], "sink.noise_cv", "above 0"),
        (["sink=model", "sink.noise=empirical"], "sink.noise_path", "has to name a file"),
        (["sink=model", "sink.noise_path=x"], "sink.noise_path", "empirical"),
        (["load=replay"], "load.path", "has to name a file"),
        (["payload=lines", "sink.check_json=false"], "payload.path", "has to name a file"),
        (["load=regimes", "load.regimes=[]"], "load.regimes", "at least one"),
        (["load.kind=ramp"], "load.kind", "load=ramp"),
    ],
)
def test_a_contradiction_names_its_key_and_the_cure(overrides: list[str], key: str, words: str) -> None:
    found = plan(overrides).mistakes
    assert [mistake.key for mistake in found] == [key]
    assert words in found[0].why


def test_a_range_within_a_list_is_named_by_its_index() -> None:
    bad = "load.regimes=[{name: a, rate_per_s: 1, duration_s: 1}, {name: '', rate_per_s: -1, duration_s: 1}]"
    assert keys("load=regimes", bad) == ["load.regimes[1].rate_per_s", "load.regimes[1].name"]


def test_what_looks_odd_but_is_fine_passes() -> None:
    assert keys("window.max_wait_ms=0", "window.max_size=64") == []
    assert keys("window.max_wait_ms=null") == []
    assert keys("policy=drop_newest", "policy.capacity=10") == []
    assert keys("policy=unbounded") == []
    assert keys("clock=simulated", "sink=model") == []
    assert keys("payload=random", "sink='null'") == []
    assert keys("load=saturate", "load.duration_s=1", "load.item_count=null") == []


def test_all_mistakes_are_found_at_once() -> None:
    config = RunConfig(
        seed=-1,
        load=SaturateLoad(item_count=None),
        policy=DropNewestPolicy(capacity=10),
        window=WindowConfig(max_size=0),
        sink=ModelSinkConfig(noise_path="x"),
    )
    assert {m.key for m in validate(config)} == {
        "seed",
        "load",
        "load.item_count",
        "window.max_size",
        "sink.noise_path",
    }


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "requests.csv").write_text("t\n1\n")
    [mistake] = plan(["load=replay", f"load.path={tmp_path}/request.csv"]).mistakes
    assert mistake.key == "load.path"
    assert mistake.why == "there is no such file; did you mean requests.csv?"


def test_folders_are_no_files(tmp_path: Path) -> None:
    assert keys("load=replay", f"load.path={tmp_path}") == ["load.path"]
    assert keys(f"sink.path={tmp_path}") == ["sink.path"]
    assert keys(f"sink.path={tmp_path}/absent/x.sqlite") == ["sink.path"]
    assert keys(f"sink.path={tmp_path}/x.sqlite") == []


def test_columns_are_for_tables_and_patterns_have_one_group(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("[x]\n")
    replay = ["load=replay", f"load.path={log}"]
    assert keys(*replay, "load.size_column=bytes") == ["load.size_column"]
    assert keys(*replay, "load.timestamp_pattern='a(b'") == ["load.timestamp_pattern"]
    assert keys(*replay, "load.timestamp_pattern=abc") == ["load.timestamp_pattern"]
    assert keys(*replay, "load.timestamp_pattern='^(.*)$'") == []


def test_lines_cannot_be_cut_to_recorded_sizes(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("t,n\n1,2\n")
    found = keys("load=replay", f"load.path={table}", "load.size_column=n", "payload=lines", f"payload.path={table}")
    assert found == ["load.size_column"]


def test_the_smallest_event_is_the_adapters_own() -> None:
    from ingestexp.adapters.payloads.json_event import JsonEvent

    assert JsonEvent.smallest_bytes == SMALLEST_JSON_EVENT_BYTES
