"""The tables that compare the variants of a sweep, on sweeps made by hand.

Must live here: `before_after` and its like, over several runs. Must not: tables of one run (`test_tables`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.analysis.test_tables import NO_WARMUP, ask, picked, settled
from tests.report.evidence import MS, SECOND, Row, batch, write_run

if TYPE_CHECKING:
    from pathlib import Path


def cell(number: int, stage: str, variant: str, repeat: int = 0) -> Row:
    return {"number": number, "stage": stage, "variant": variant, "repeat": repeat, "experiment": "e", "sweep": "s"}


def one_run(folder: Path, place: Row, response_ms: float, result: str | None, *, size: int = 1, **changes: Any) -> Path:
    """100 items in a second that all take as long, in batches of `size`, and the verdict that was recorded."""
    items = [settled(i, 10 * i, response_ms, batch_id=i // size) for i in range(100)]
    sent = [
        batch(first // size, first, first + size - 1, sent_at_ns=first * MS, settled_at_ns=(first + 1) * MS)
        for first in range(0, 100, size)
    ]
    ends = {"load_ended_at_ns": SECOND, "ended_at_ns": 2 * SECOND, "slo": NO_WARMUP}
    run = write_run(folder / f"{place['number']:04}", items, sent, cell=place, **{**ends, **changes})
    if result is not None:
        (run / "verdict.json").write_text(json.dumps({"result": result, "growing": result == "FAIL"}))
    return run


def test_before_after_pools_the_repeats_of_a_variant(tmp_path: Path) -> None:
    one_run(tmp_path, cell(2, "z first", "per_item"), 30, "PASS")
    one_run(tmp_path, cell(3, "z first", "batched", 0), 10, "PASS", size=10)
    one_run(tmp_path, cell(4, "z first", "batched", 1), 20, "INCONCLUSIVE", size=10, load_ended_at_ns=SECOND // 2)
    one_run(tmp_path, cell(5, "a last", "batched", 0), 10, "INVALID")
    one_run(tmp_path, cell(6, "a last", "batched", 1), 10, "FAIL")
    found = ask(tmp_path, "tables/before_after.sql")
    assert picked(found, "stage", "variant", "run_count", "verdict", "growing_count") == [
        ("z first", "per_item", 1, "PASS", 0),
        ("z first", "batched", 2, "INCONCLUSIVE", 0),
        ("a last", "batched", 2, "FAIL", 1),
    ]
    costs = ("items_per_batch", "commits_per_item", "fsyncs_per_item", "round_trips_per_item", "syscalls_per_item")
    assert picked(found[:2], *costs) == [(1, 1, 1, 0, 3), (10, 0.1, 0.1, 0, 0.3)]
    assert picked(found[:2], "offered_per_s", "committed_per_s", "speedup") == [
        (100, 100, 1),
        (pytest.approx(200 / 1.5), pytest.approx(200 / 1.5), pytest.approx(2 / 1.5)),
    ]
    assert picked(found[:1], "p50_ms", "p99_ms", "p99_low_ms") == [
        (pytest.approx(30, rel=5e-4), pytest.approx(30, rel=5e-4), None)
    ]
    assert picked(found[1:2], "p50_ms", "p99_ms", "p99_low_ms", "p99_high_ms") == [
        tuple(pytest.approx(value, rel=5e-4) for value in (10, 20, 10, 20))
    ]


def test_before_after_of_capacity_runs_has_rates_and_no_latency(tmp_path: Path) -> None:
    load = {"phases": ["saturate"], "saturate": True}
    one_run(tmp_path, cell(0, "capacity", "per_item"), 5, None, load=load)
    one_run(tmp_path, cell(1, "capacity", "batched"), 5, None, size=10, load=load, load_ended_at_ns=SECOND // 4)
    found = ask(tmp_path, "tables/before_after.sql")
    assert picked(found, "variant", "committed_per_s", "speedup", "p99_ms", "verdict") == [
        ("per_item", 100, 1, None, "capacity"),
        ("batched", 400, 4, None, "capacity"),
    ]


def test_before_after_of_runs_that_were_not_judged_or_left_nothing(tmp_path: Path) -> None:
    write_run(tmp_path / "killed", [], load_ended_at_ns=None, ended_at_ns=None, counters={}, slo=NO_WARMUP)
    one_run(tmp_path / "other", cell(0, "", "mine"), 5, None)
    found = ask(f"{tmp_path}/killed,{tmp_path}/other", "tables/before_after.sql")
    assert picked(found, "variant", "committed_per_s", "verdict") == [("mine", 100, None), ("killed", None, None)]
