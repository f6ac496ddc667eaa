"""From config to parts: each choice its adapter, each unit converted, each stream its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingestexp.core import on_failure
from ingestexp.core.policy import Overflow
from ingestexp.core.span import NEVER
from ingestexp.experiment import schema
from ingestexp.experiment.build import Parts, build, make_sink
from ingestexp.experiment.compose import plan
from ingestexp.experiment.inputs import make_load, make_payloads, stream
from ingestexp.experiment.preflight import preflight
from ingestexp.experiment.schema import load as loads
from ingestexp.experiment.schema import payload as payloads
from ingestexp.experiment.schema import sink as sinks
from ingestexp.ports import Notices, Saturate

if TYPE_CHECKING:
    from collections.abc import Callable


def parts(*overrides: str, run_dir: Path = Path("run")) -> Parts:
    found = plan(list(overrides))
    assert found.mistakes == []
    return build(found.configs[0], run_dir, Notices())


def test_the_default_parts() -> None:
    built = parts()
    assert (type(built.load).__name__, type(built.payloads).__name__) == ("Poisson", "JsonEvent")
    assert (built.sink.name, built.workers, built.overflow) == ("sqlite", 1, Overflow.BLOCK)
    assert (built.limits.max_size, built.limits.max_wait_ns, built.limits.max_bytes) == (512, 5_000_000, NEVER)
    assert (built.bounds.items, built.bounds.nbytes) == (100_000, NEVER)
    assert isinstance(built.on_failure, on_failure.RetryBatch)
    retry = built.on_failure.retry
    assert (retry.max_attempts, retry.backoff_ns, retry.max_backoff_ns) == (5, 10**7, 10**9)
    assert (retry.factor, retry.jitter, built.ordered) == (2.0, 0.5, False)


def test_each_on_failure_choice_has_its_strategy_and_no_limit_is_no_limit() -> None:
    for choice, strategy in {
        "retry_batch": on_failure.RetryBatch,
        "skip_batch": on_failure.SkipBatch,
        "split_and_retry": on_failure.SplitAndRetry,
        "report_items": on_failure.ReportItems,
    }.items():
        built = parts(f"on_failure={choice}", "on_failure.max_attempts=null", "on_failure.ordered=true")
        assert type(built.on_failure) is strategy
        assert built.ordered
    unlimited = parts("on_failure.max_attempts=null").on_failure
    assert isinstance(unlimited, on_failure.RetryBatch)
    assert not unlimited.retry.exhausted(10**9)


@pytest.mark.parametrize("name", ["constant", "poisson", "bursty", "ramp", "regimes"])
def test_open_loads_arrive_within_their_duration_and_repeat_by_seed(name: str) -> None:
    config = plan([f"load={name}", "seed=3"]).configs[0]
    load = make_load(config, Notices())
    again = make_load(config, Notices())
    assert not isinstance(load, Saturate)
    assert not isinstance(again, Saturate)
    first, same = next(load.stretches(1000)), next(again.stretches(1000))
    assert first.due_ns.tolist() == same.due_ns.tolist()
    assert 0 <= first.due_ns[-1] < load.duration_ns


def test_saturate_is_no_open_load() -> None:
    built = parts("load=saturate", "load.item_count=7", "load.duration_s=0.5").load
    assert built == Saturate(item_count=7, duration_ns=500_000_000)


@pytest.mark.parametrize(
    ("policy", "overflow"),
    [("block", 0), ("drop_newest", 1), ("drop_oldest", 2), ("unbounded", 3)],
)
def test_each_policy_stands_for_its_overflow(policy: str, overflow: int) -> None:
    built = parts(f"policy={policy}", *([] if policy == "unbounded" else ["policy.capacity_bytes=100000"]))
    assert built.overflow == overflow
    assert built.bounds.nbytes == (NEVER if policy == "unbounded" else 100_000)
    assert built.bounds.items == (NEVER if policy == "unbounded" else 100_000)


def test_no_timer_is_never() -> None:
    assert parts("window=size_only").limits.max_wait_ns == NEVER
    assert parts("window=greedy").limits.max_wait_ns == 0


@pytest.mark.parametrize("name", ["sqlite", "log_file", "null", "model"])
def test_each_sink_is_named_as_its_choice(name: str, tmp_path: Path) -> None:
    built = parts(f"sink='{name}'", "sink.workers=3", run_dir=tmp_path)
    assert (built.sink.name, built.workers) == (name, 3)
    assert list(tmp_path.iterdir()) == [], "building opens nothing"


def test_a_sink_without_a_path_lies_in_the_run_folder(tmp_path: Path) -> None:
    for name in ("sqlite", "log_file"):
        sink = make_sink(plan([f"sink={name}"]).configs[0], tmp_path)
        sink.open()
        sink.close()
    assert {"sink.sqlite", "sink.log"} <= {file.name for file in tmp_path.iterdir()}


def test_only_a_modelled_sink_has_a_cost() -> None:
    assert parts("sink=model", "sink.fixed_ms=2", "sink.per_item_us=10").cost.service_ns(100, 0) == 3_000_000
    with pytest.raises(TypeError, match="sink=null"):
        _ = parts("sink='null'").cost


def test_streams_are_independent_and_repeat() -> None:
    assert stream(1, "arrivals").random() == stream(1, "arrivals").random()
    assert len({stream(seed, name).random() for seed in (1, 2) for name in ("arrivals", "payload")}) == 4


@pytest.mark.parametrize(
    ("make", "group", "node"),
    [
        (lambda config: make_load(config, Notices()), "load", loads.LoadConfig()),
        (lambda config: make_payloads(config, Notices()), "payload", payloads.PayloadConfig()),
        (lambda config: make_sink(config, Path()), "sink", sinks.SinkConfig()),
    ],
)
def test_an_unknown_schema_is_no_silent_default(
    make: Callable[[schema.RunConfig], object], group: str, node: object
) -> None:
    config = schema.RunConfig()
    setattr(config, group, node)
    with pytest.raises(TypeError, match="stands for"):
        make(config)


# -- preflight ----------------------------------------------------------------------------------------


def replay(path: Path, *more: str) -> schema.RunConfig:
    found = plan(["load=replay", f"load.path={path}", "load.timestamp_column=t", *more])
    assert found.mistakes == []
    return found.configs[0]


def test_a_bad_row_is_named_before_the_run(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("t\n1\nnonsense\n")
    [mistake] = preflight(replay(table))
    assert "nonsense" in mistake.why
    assert "3" in mistake.why


def test_a_recording_is_read_once(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("t\n2\n1\n3\n")
    config = replay(table)
    assert preflight(config) == []
    table.unlink()
    notices = Notices()
    built = build(config, tmp_path, notices)
    assert not isinstance(built.load, Saturate)
    assert built.load.expected_items == 3
    assert notices.lines != [], "what was noticed while reading reaches the run"


def test_lines_that_are_not_json_need_no_check(tmp_path: Path) -> None:
    text = tmp_path / "lines.txt"
    text.write_text("not json\n")
    config = plan(["payload=lines", f"payload.path={text}"]).configs[0]
    assert [mistake.key for mistake in preflight(config)] == ["sink.check_json"]
    text.write_text(json.dumps({"a": 1}) + "\n")
    assert preflight(config) == []


def test_recorded_sizes_below_what_a_payload_needs_are_named(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("t,n\n1,300\n2,3\n")
    [mistake] = preflight(replay(table, "load.size_column=n"))
    assert mistake.key == "load.size_column"
    assert preflight(replay(table, "load.size_column=n", "payload=random", "sink.check_json=false")) == []


def test_a_file_of_noise_is_read_before_the_run(tmp_path: Path) -> None:
    noise = tmp_path / "noise.txt"
    noise.write_text("1.0\nloud\n")
    config = plan(["sink=model", "sink.noise=empirical", f"sink.noise_path={noise}"]).configs[0]
    [mistake] = preflight(config)
    assert "loud" in mistake.why
