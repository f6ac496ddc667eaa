"""Decompression bombs: the table and the criteria on hand-made runs, those that hold and those that don't."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from ingestexp.trace import schema
from tests.analysis.test_tables import NO_WARMUP, Row, ask, settled
from tests.report.evidence import MS, table_of, write_run, write_samples

if TYPE_CHECKING:
    from pathlib import Path

BASELINE = 100_000_000


def envelope(envelope_id: int, outcome: str = "accepted", bomb: bool = False, **columns: Any) -> Row:
    accepted = outcome == "accepted"
    return {
        "envelope_id": envelope_id,
        "intended_at_ns": envelope_id * MS,
        "offered_at_ns": envelope_id * MS,
        "blocked_ns": 0,
        "decode_started_at_ns": envelope_id * MS,
        "decoded_at_ns": envelope_id * MS + 2 * MS,
        "codec": "gzip",
        "body_bytes": 100,
        "inflated_bytes": 1000,
        "item_count": 2 if accepted else None,
        "first_item_id": 2 * envelope_id if accepted else None,
        "outcome": outcome,
        "reason": None if accepted else "inflated_bytes",
        "is_bomb": bomb,
        "shape": "flat" if bomb else None,
        **columns,
    }


def bombed(
    folder: Path,
    variant: str,
    envelopes: list[Row],
    items: int,
    p99_ms: float = 20.0,
    growth_mb: int = 30,
    **changes: Any,
) -> Path:
    config = {"decode": {"codec": "gzip", "max_inflated_bytes": 4_000_000}, "policy": {"kind": "block"}}
    cell = {
        "stage": "",
        "variant": variant,
        "repeat": 0,
        "number": 1,
        "may_be_oom_killed": variant.startswith("uncapped"),
    }
    readback = {"ok": True, "held": items, "committed": items}
    changes = {"self_checks": {"ledger": {"balanced": True}, "readback": readback}, **changes}
    changes = {"memory": {"limit_mb": 256.0, "baseline_bytes": BASELINE, "oom_kill_count": 0}, **changes}
    rows = [settled(i, i, 3, envelope_id=i // 2) for i in range(items)]
    run = write_run(folder, rows, config=config, cell=cell, slo=NO_WARMUP, **changes)
    write_samples(run, [{"at_ns": k, "rss_bytes": BASELINE + mb * 10**6} for k, mb in enumerate((0, growth_mb))])
    (run / "envelopes").mkdir()
    pq.write_table(table_of(envelopes, schema.ENVELOPES), run / "envelopes" / "000001.parquet")
    (run / "verdict.json").write_text(json.dumps({"result": "PASS", "value_ms": p99_ms}))
    return run


GOOD = [envelope(0), envelope(1), envelope(2, "rejected", bomb=True, inflated_bytes=4_000_001), envelope(3)]


def value(run: Path, query: str) -> Any:
    (row,) = ask(run, f"acceptance/{query}.sql")
    return row["value"]


def test_the_table_counts_bombs_and_says_why_they_were_rejected(tmp_path: Path) -> None:
    (found,) = ask(bombed(tmp_path / "run", "capped gzip", GOOD, 6), "tables/decompression_bombs.sql")
    counts = ("bombs", "bombs_rejected", "good", "good_rejected", "reasons", "cap_mb", "p99_ms", "rss_growth_mb")
    assert [found[name] for name in counts] == [1, 1, 3, 0, "inflated_bytes 1", 4.0, 20.0, 30.0]
    assert found["largest_inflated_mb"] == pytest.approx(4.000001)
    assert found["decode_max_ms"] == 2.0


def test_bombs_rejected_and_good_traffic_kept(tmp_path: Path) -> None:
    run = bombed(tmp_path / "good", "capped gzip", GOOD, 6)
    assert value(run, "bombs_rejected") == 1
    assert value(run, "bombs_good_committed") == 0


def test_a_bomb_that_got_through_and_a_good_one_refused_are_seen(tmp_path: Path) -> None:
    through = [envelope(0), envelope(1, "accepted", bomb=True), envelope(2, "rejected", bomb=True)]
    run = bombed(tmp_path / "through", "capped gzip", through, 3)
    assert value(run, "bombs_rejected") == 0.5
    assert value(run, "bombs_good_committed") == 1  # of its two items one is missing
    refused = bombed(tmp_path / "refused", "capped gzip", [*GOOD[:3], envelope(3, "rejected")], 4)
    assert value(refused, "bombs_good_committed") == 1
    none = bombed(tmp_path / "none", "capped gzip", GOOD[:2], 4)
    assert value(none, "bombs_rejected") is None


def test_memory_is_held_against_baseline_cap_and_margin(tmp_path: Path) -> None:
    assert value(bombed(tmp_path / "a", "capped gzip", GOOD, 6, growth_mb=100), "bombs_memory") == pytest.approx(1.0)
    assert value(bombed(tmp_path / "b", "capped gzip", GOOD, 6, growth_mb=150), "bombs_memory") > 1


def test_neighbours_are_held_against_the_control_of_their_codec(tmp_path: Path) -> None:
    bombed(tmp_path / "sweep" / "a", "control gzip", GOOD[:2], 4, p99_ms=30)
    bombed(tmp_path / "sweep" / "b", "control zstd", GOOD[:2], 4, p99_ms=1000)
    bombed(tmp_path / "sweep" / "c", "capped gzip", GOOD, 6, p99_ms=120)
    assert value(tmp_path / "sweep", "bombs_neighbours") == 1.5


@pytest.mark.parametrize(("status", "expected"), [("oom_killed", 1), ("completed", 0), ("failed", None)])
def test_only_the_kernels_kill_counts(tmp_path: Path, status: str, expected: int | None) -> None:
    memory = {"limit_mb": 256.0, "baseline_bytes": BASELINE, "oom_kill_count": int(status == "oom_killed")}
    run = bombed(tmp_path / "run", "uncapped gzip", GOOD, 6, status=status, memory=memory)
    assert value(run, "killed_at_limit") == expected
