"""The tables that compare the variants of a sweep, on sweeps made by hand.

Must live here: `before_after` and its like, over several runs. Must not: tables of one run (`test_tables`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
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


def served(batch_id: int, size: int, service_us: float, **columns: Any) -> Row:
    sent = batch_id * 10 * MS
    times = {"closed_at_ns": sent, "sent_at_ns": sent, "settled_at_ns": sent + round(service_us * 1000)}
    return batch(batch_id, 0, size - 1, **{**times, **columns})


def cost_model(folder: Path, batches: list[Row]) -> Row:
    (found,) = ask(write_run(folder, [], batches, slo=NO_WARMUP, ended_at_ns=SECOND), "tables/cost_model.sql")
    return found


def test_cost_model_finds_the_line_among_many_single_items_and_stalls(tmp_path: Path) -> None:
    """T(n) = 200 + 2 n us; a thousand batches of one item, one in a hundred a stall of 6 ms; few big ones."""
    sizes = [1] * 1000 + [8, 64, 64, 512, 512]
    batches = [served(i, n, 6000 if i % 100 == 7 else 200 + 2 * n) for i, n in enumerate(sizes)]
    found = cost_model(tmp_path / "run", batches)
    assert (found["fixed_us"], found["per_item_us"]) == (pytest.approx(200), pytest.approx(2))
    assert (found["fixed_low_us"], found["fixed_high_us"]) == (pytest.approx(200), pytest.approx(200))
    assert (found["r2"], found["break_even_items"]) == (pytest.approx(1), pytest.approx(100))
    assert (found["batch_count"], found["size_count"], found["stalled_count"]) == (1005, 4, 10)
    assert found["lack_of_fit"] is None
    assert found["predicted_speedup"] is None


def test_cost_model_has_an_interval_and_a_lack_of_fit(tmp_path: Path) -> None:
    """Batches of a size differ by 1 %. On a line that is all; a bend at 100 items is told apart."""
    sizes = [n for n in (1, 2, 4, 8, 16, 64, 128, 256) for _ in range(50)]
    noise = np.random.default_rng(3).normal(1, 0.01, len(sizes))
    line = [served(i, n, (300 + 3 * n) * noise[i]) for i, n in enumerate(sizes)]
    bent = [served(i, n, (300 + 3 * min(n, 100)) * noise[i]) for i, n in enumerate(sizes)]
    found = cost_model(tmp_path / "line", line)
    assert found["fixed_low_us"] < 300 < found["fixed_high_us"]
    assert found["per_item_low_us"] < 3 < found["per_item_high_us"]
    assert found["lack_of_fit"] < 2
    assert found["residual_us"] == pytest.approx(5, rel=0.3)
    assert cost_model(tmp_path / "bent", bent)["lack_of_fit"] > 100


def test_cost_model_quotes_no_line_from_two_sizes(tmp_path: Path) -> None:
    found = cost_model(tmp_path / "run", [served(i, 1 + i % 2, 200) for i in range(100)])
    assert (found["fixed_us"], found["r2"], found["break_even_items"]) == (None, None, None)
    assert (found["batch_count"], found["size_count"]) == (100, 2)


def test_cost_model_predicts_what_saturated_runs_measured(tmp_path: Path) -> None:
    """T(n) = 90 + 10 n us: 100 batches of one take 10 ms; 10 of ten 1.9 ms. Windows of 1 and 16 items."""
    load = {"phases": ["saturate"], "saturate": True}
    for name, size, end_us in (("one", 1, 10_000), ("ten", 10, 1_900)):
        batches = [
            batch(
                k, 0, size - 1, sent_at_ns=k * (90 + 10 * size) * 1000, settled_at_ns=(k + 1) * (90 + 10 * size) * 1000
            )
            for k in range(100 // size)
        ]
        batches.append(batch(900, 0, 4, sent_at_ns=MS, settled_at_ns=MS + 140_000, outcome="failed"))
        batches.append(batch(901, 0, 4, sent_at_ns=MS * 100, settled_at_ns=MS * 100 + 140_000))
        config = {"window": {"max_size": 1 if size == 1 else 16}, "sink": {"kind": "sqlite"}}
        changes = {"load": load, "slo": NO_WARMUP, "load_ended_at_ns": end_us * 1000, "config": config}
        write_run(tmp_path / name, [], batches, **changes)
    (found,) = ask(tmp_path, "tables/cost_model.sql")
    assert (found["fixed_us"], found["per_item_us"]) == (pytest.approx(90), pytest.approx(10))
    assert (found["from_items_per_batch"], found["to_items_per_batch"]) == (1, 10)
    assert found["predicted_speedup"] == pytest.approx(10 * 100 / 190)
    assert found["measured_speedup"] == pytest.approx(10 * 100 / 190)


def test_window_grid_has_a_row_a_window_and_tune_stage(tmp_path: Path) -> None:
    def tuned(number: int, stage: str, size: int, value_ms: float, result: str, repeat: int = 0) -> None:
        config = {"window": {"max_size": size, "max_wait_ms": 5.0 if size > 1 else None}}
        run = one_run(tmp_path, cell(number, stage, f"w{size}", repeat), 5, None, size=size, config=config)
        (run / "verdict.json").write_text(
            json.dumps({"result": result, "value_ms": value_ms, "growing": result == "FAIL"})
        )

    tuned(0, "pilot", 10, 1, "PASS")
    tuned(1, "tune peak", 1, 900, "FAIL")
    tuned(2, "tune peak", 10, 8, "PASS")
    tuned(3, "tune peak", 10, 9, "INCONCLUSIVE", repeat=1)
    tuned(4, "tune low", 1, 2, "PASS")
    one_run(tmp_path, cell(5, "tune low", "unjudged"), 5, None)
    found = ask(tmp_path, "tables/window_grid.sql")
    columns = ("stage", "window_max_size", "window_max_wait_ms", "run_count", "p99_ms", "verdict", "growing")
    assert picked(found, *columns)[:3] == [
        ("tune peak", 1, None, 1, 900, "FAIL", True),
        ("tune peak", 10, 5, 2, 9, "INCONCLUSIVE", False),
        ("tune low", 1, None, 1, 2, "PASS", False),
    ]
    assert picked(found, "items_per_batch", "commits_per_item")[:3] == [(1, 1), (10, 0.1), (1, 1)]
    assert picked(found, "variant", "p99_ms", "verdict", "growing")[3:] == [("unjudged", None, None, None)]
