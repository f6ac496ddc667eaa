"""Overflow: the tables and criteria on hand-made runs of each policy, those that hold and those that don't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.analysis.test_tables import NO_WARMUP, Row, ask, picked, settled
from tests.report.evidence import MS, SECOND, item, write_run, write_samples

if TYPE_CHECKING:
    from pathlib import Path

BASELINE = 100_000_000


def policy_run(
    folder: Path,
    kind: str,
    rows: list[Row],
    samples: list[Row],
    capacity: int | None = 2,
    held: int | None = None,
    **changes: Any,
) -> Path:
    committed = sum(row["outcome"] == "committed" for row in rows)
    config = {
        "policy": {"kind": kind, "capacity": capacity},
        "payload": {"kind": "random", "size_bytes": 1_000_000},
        "memory": {"limit_mb": 256.0},
        "load": {"kind": "bursty"},
    }
    cell = {"stage": "overload", "variant": kind, "repeat": 0, "number": 1, "may_be_oom_killed": kind == "unbounded"}
    readback = {"ok": held in (None, committed), "held": committed if held is None else held, "committed": committed}
    changes = {"memory": {"limit_mb": 256.0, "baseline_bytes": BASELINE, "oom_kill_count": 0}, **changes}
    checks = {"ledger": {"balanced": True}, "readback": readback}
    run = write_run(folder, rows, config=config, cell=cell, slo=NO_WARMUP, self_checks=checks, **changes)
    write_samples(run, [{"offered": 0, **row} for row in samples])
    return run


def two_at_a_time(count: int) -> list[Row]:
    """Item i is due and admitted at i ms, sent at i + 2 ms, settled at i + 3 ms: two wait at each instant."""
    return [settled(i, i, 3, service_ms=1, phase="on") for i in range(count)]


def grown(*growth_mb: int, depth: int = 2) -> list[Row]:
    return [
        {"at_ns": k * MS, "rss_bytes": BASELINE + mb * 1_000_000, "depth_items": depth, "depth_bytes": depth * 10**6}
        for k, mb in enumerate(growth_mb)
    ]


def test_the_table_counts_loss_depth_memory_and_both_percentiles(tmp_path: Path) -> None:
    rows = two_at_a_time(60)
    rows += [
        item(
            60 + i, (60 + i) * MS, outcome="dropped", reason="overflow_newest", settled_at_ns=(60 + i) * MS, phase="off"
        )
        for i in range(20)
    ]
    run = policy_run(tmp_path / "run", "drop_newest", rows, grown(0, 30, 20))
    (found,) = ask(run, "tables/overflow.sql")
    assert (found["policy"], found["capacity"], found["offered"], found["committed"]) == ("drop_newest", 2, 80, 60)
    assert (found["dropped"], found["loss_ratio"], found["peak_items"]) == (20, 0.25, 2)
    assert (found["rss_growth_mb"], found["limit_mb"]) == (30.0, 256.0)
    assert found["p99_ms"] == pytest.approx(3, rel=0.001)
    assert found["p99_with_losses_ms"] is None
    assert found["drain_s"] == pytest.approx(0.003)


def test_the_tables_see_nothing_of_a_pilot_and_take_what_a_killed_run_left(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    killed = policy_run(
        tmp_path / "sweep" / "a",
        "unbounded",
        two_at_a_time(3),
        grown(0, 150, depth=150),
        None,
        status="oom_killed",
        counters={},
        load_ended_at_ns=None,
        ended_at_ns=None,
    )
    load = {"phases": ["steady"], "saturate": True, "duration_ns": SECOND}
    policy_run(tmp_path / "sweep" / "b", "block", two_at_a_time(3), grown(0), load=load)
    (found,) = ask(killed.parent, "tables/overflow.sql")
    assert (found["status"], found["offered"], found["peak_items"], found["drain_s"]) == ("oom_killed", 3, 150, None)
    assert ask(killed.parent, "tables/overflow_tradeoff.sql") == []


def test_a_row_that_loses_no_less_and_is_later_is_not_on_the_frontier(tmp_path: Path) -> None:
    def lossy(count: int, response_ms: float) -> list[Row]:
        kept = [settled(i, i, response_ms) for i in range(100 - count)]
        lost = [item(100 - count + i, i * MS, outcome="dropped", settled_at_ns=i * MS) for i in range(count)]
        return kept + lost

    for name, kind, capacity, rows in (
        ("a", "block", 10, lossy(0, 300)),
        ("b", "drop_newest", 10, lossy(30, 20)),
        ("c", "drop_newest", 100, lossy(10, 90)),
        ("d", "drop_oldest", 10, lossy(40, 25)),
    ):
        policy_run(tmp_path / "sweep" / name, kind, rows, grown(0), capacity)
    found = ask(tmp_path / "sweep", "tables/overflow_tradeoff.sql")
    assert picked(found, "policy", "capacity", "loss_ratio", "on_frontier") == [
        ("block", 10, 0.0, True),
        ("drop_newest", 10, 0.3, True),
        ("drop_newest", 100, 0.1, True),
        ("drop_oldest", 10, 0.4, False),
    ]
    assert [row["p99_ms"] for row in found] == pytest.approx([300, 20, 90, 25], rel=0.001)


def value(run: Path, query: str) -> Any:
    (row,) = ask(run, f"acceptance/{query}.sql")
    return row["value"]


def test_depth_and_memory_are_held_against_the_capacity(tmp_path: Path) -> None:
    run = policy_run(tmp_path / "within", "block", two_at_a_time(9), grown(0, 49))
    assert value(run, "overflow_within_items") == 1
    assert value(run, "overflow_within_memory") == pytest.approx(49 / (2 * 2 + 128))
    beyond = policy_run(tmp_path / "beyond", "block", two_at_a_time(9), grown(0, 198), capacity=1)
    assert value(beyond, "overflow_within_items") == 2
    assert value(beyond, "overflow_within_memory") > 1


def test_of_a_run_that_spilled_the_depth_is_that_of_memory(tmp_path: Path) -> None:
    rows = [{**row, "was_spilled": True} for row in two_at_a_time(9)]
    run = policy_run(tmp_path / "run", "spill", rows, [{**row, "spilled": 7} for row in grown(0, 1, depth=1)])
    assert value(run, "overflow_within_items") == 0.5


def test_the_drop_counter_is_held_against_what_the_sink_lacks(tmp_path: Path) -> None:
    rows = [*two_at_a_time(8), item(8, 8 * MS, outcome="dropped", reason="overflow_newest", settled_at_ns=8 * MS)]
    assert value(policy_run(tmp_path / "good", "drop_newest", rows, grown(0)), "overflow_drops_match") == 0
    assert value(policy_run(tmp_path / "good2", "drop_newest", rows, grown(0)), "overflow_drops") == pytest.approx(
        1 / 9
    )
    foul = policy_run(tmp_path / "foul", "drop_newest", rows, grown(0), held=7)
    (found,) = ask(foul, "acceptance/overflow_drops_match.sql")
    assert found["value"] is None
    assert "not" in found["why"]


def test_a_lost_item_is_found_where_none_may_be_lost(tmp_path: Path) -> None:
    rows = [*two_at_a_time(8), item(8, 8 * MS, outcome="unsettled", reason="queued")]
    assert value(policy_run(tmp_path / "block", "block", rows, grown(0)), "overflow_lossless") == 1
    assert ask(policy_run(tmp_path / "drop", "drop_newest", rows, grown(0)), "acceptance/overflow_lossless.sql") == []


def test_only_the_kernels_kill_is_one(tmp_path: Path) -> None:
    for status, expected in {"oom_killed": 1, "completed": 0, "failed": None, "crashed": None}.items():
        memory = {"limit_mb": 256.0, "baseline_bytes": BASELINE, "oom_kill_count": int(status == "oom_killed")}
        run = policy_run(tmp_path / status, "unbounded", two_at_a_time(3), grown(0), None, status=status, memory=memory)
        (found,) = ask(run, "acceptance/killed_at_limit.sql")
        assert found["value"] == expected
        assert (found["why"] is None) == (expected is not None)


def test_memory_follows_the_queue_or_does_not(tmp_path: Path) -> None:
    def growing(noise: int) -> list[Row]:
        depths = [10 * k for k in range(12)]
        return [
            {
                "at_ns": k,
                "rss_bytes": BASELINE + d * 1_100_000 + (k % 2) * noise,
                "depth_items": d,
                "depth_bytes": d * 10**6,
            }
            for k, d in enumerate(depths)
        ]

    steady = policy_run(tmp_path / "steady", "unbounded", two_at_a_time(3), growing(0), None)
    (found,) = ask(steady, "acceptance/overflow_rss_follows.sql")
    assert found["value"] == pytest.approx(1)
    assert found["bytes_per_byte"] == pytest.approx(1.1)
    noisy = policy_run(tmp_path / "noisy", "unbounded", two_at_a_time(3), growing(400_000_000), None)
    assert value(noisy, "overflow_rss_follows") < 0.8
    short = policy_run(tmp_path / "short", "unbounded", two_at_a_time(3), growing(0)[:4], None)
    assert value(short, "overflow_rss_follows") is None


def test_the_choice_needs_a_load_that_bites_and_a_trade(tmp_path: Path) -> None:
    def run(name: str, capacity: int, dropped: int, response_ms: float) -> None:
        kept = [settled(i, i, response_ms) for i in range(100 - dropped)]
        lost = [item(100 - dropped + i, i * MS, outcome="dropped", settled_at_ns=i * MS) for i in range(dropped)]
        folder = policy_run(tmp_path / "sweep" / name, "drop_newest", kept + lost, grown(0), capacity)
        (folder / "verdict.json").write_text(f'{{"result": "PASS", "value_ms": {response_ms}}}')

    run("small", 10, 30, 20)
    (alone,) = ask(tmp_path / "sweep", "acceptance/overflow_choice_trades.sql")
    assert alone["value"] is None
    run("large", 1000, 10, 90)
    assert value(tmp_path / "sweep", "overflow_choice_bites") == 0.3
    assert value(tmp_path / "sweep", "overflow_choice_trades") == 1
    run("larger", 5000, 40, 95)
    assert value(tmp_path / "sweep", "overflow_choice_trades") == 0


def test_blocked_time_is_a_nearest_rank_over_all_that_were_admitted(tmp_path: Path) -> None:
    def held(blocked: list[int]) -> list[Row]:
        return [settled(i, i, 300, admitted_at_ns=(i + ms) * MS) for i, ms in enumerate(blocked)]

    (found,) = ask(policy_run(tmp_path / "some", "block", held(list(range(100))), grown(0)), "tables/overflow.sql")
    assert found["blocked_ms"] == pytest.approx(98, rel=0.001)
    (few,) = ask(policy_run(tmp_path / "few", "block", held([0] * 199 + [50]), grown(0)), "tables/overflow.sql")
    assert few["blocked_ms"] == 0
