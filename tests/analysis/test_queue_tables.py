"""The tables about the queue and the window in front of the sink, each on a small input made by hand.

Must live here: depth and flush causes. Must not: latencies (`test_tables`), comparisons (`test_sweep_tables`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.analysis.test_tables import NO_WARMUP, ask, picked
from tests.report.evidence import MS, Row, item, write_run

if TYPE_CHECKING:
    from pathlib import Path


def queued(item_id: int, admitted: int, left: int | None, *, was_sent: bool = True) -> Row:
    """An item that was in the queue from one instant to another; left None: it still is."""
    if left is None:
        return item(item_id, admitted, admitted_at_ns=admitted, outcome="unsettled", reason="queued")
    if not was_sent:
        return item(item_id, admitted, admitted_at_ns=admitted, outcome="dropped", settled_at_ns=left)
    return item(
        item_id, admitted, admitted_at_ns=admitted, first_sent_at_ns=left, sent_at_ns=left, settled_at_ns=left + 5
    )


def test_queue_depth_by_bin(tmp_path: Path) -> None:
    """Three come at 1 ms, one is evicted at 2 ms, the others are sent at 3 ms; one comes at 7.5 ms and stays."""
    rows = [
        queued(0, 1 * MS, 2 * MS, was_sent=False),
        queued(1, 1 * MS, 3 * MS),
        queued(2, 1 * MS, 3 * MS),
        item(3, 1 * MS, outcome="dropped", settled_at_ns=1 * MS),
        queued(4, 15 * MS // 2, None),
    ]
    run = write_run(tmp_path / "run", rows, slo=NO_WARMUP, ended_at_ns=10 * MS)
    found = ask(run, "tables/queue_depth.sql", bin_count=5)
    assert [row["at_ms"] for row in found] == pytest.approx([2, 4, 6, 8, 10], rel=1e-3)
    assert picked(found, "depth_max", "depth_end") == [(3, 2), (2, 0), (0, 0), (1, 1), (1, 1)]
    assert set(picked(found, "peak_depth", "peak_at_ms")) == {(3, 1)}


def test_queue_depth_needs_an_admitted_item(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [item(0, 5, outcome="dropped", settled_at_ns=5)], ended_at_ns=10)
    assert ask(run, "tables/queue_depth.sql") == []


@pytest.mark.parametrize("bin_count", [1, 7, 200])
def test_queue_depth_is_what_following_every_instant_gives(tmp_path: Path, bin_count: int) -> None:
    """Batches that leave at once, arrivals that are dense next to the slots, evictions, items that stay."""
    generator = np.random.default_rng(5)
    admitted = np.sort(generator.integers(0, 20_000, 3000)) * 50
    left = (admitted // 35_000 + 1 + generator.integers(0, 3, 3000)) * 35_000
    rows = [
        queued(i, int(at), int(until) if i % 50 else None, was_sent=i % 7 != 0)
        for i, (at, until) in enumerate(zip(admitted, left, strict=True))
    ]
    run = write_run(tmp_path / "run", rows, slo=NO_WARMUP, ended_at_ns=1_250_000)
    found = ask(run, "tables/queue_depth.sql", bin_count=bin_count)
    depth = np.zeros(2_000_000, np.int64)
    for row in rows:
        depth[row["admitted_at_ns"]] += 1
        until = row.get("first_sent_at_ns") or row.get("settled_at_ns")
        if until is not None:
            depth[until] -= 1
    depth = np.cumsum(depth)
    ends = [round(row["at_ms"] * 1e6) for row in found]
    starts = [0, *ends[:-1]]
    assert len(found) == bin_count
    assert [row["depth_end"] for row in found] == [depth[end - 1] for end in ends]
    # At its start a bin still stands where the one before it ended.
    assert [row["depth_max"] for row in found] == [
        max(depth[start:end].max(), depth[start - 1] if start else 0) for start, end in zip(starts, ends, strict=True)
    ]
    assert {row["peak_depth"] for row in found} == {depth.max()}
    assert depth[round(found[0]["peak_at_ms"] * 1e6)] == depth.max()
