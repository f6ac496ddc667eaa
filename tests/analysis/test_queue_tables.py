"""The tables about the queue and the window in front of the sink, each on a small input made by hand.

Must live here: depth and flush causes. Must not: latencies (`test_tables`), comparisons (`test_sweep_tables`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.analysis.test_tables import NO_WARMUP, ask, picked
from tests.report.evidence import MS, SECOND, Row, batch, item, write_run

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


def closed(batch_id: int, size: int, cause: str, waited_ms: float, **columns: Any) -> Row:
    """A batch of ids batch_id * 10 and on, open for 2 ms, that waited for a worker and took 5 ms to write."""
    opened = batch_id * 10 * MS
    shut = opened + 2 * MS
    sent = shut + int(waited_ms * MS)
    times = {"opened_at_ns": opened, "closed_at_ns": shut, "sent_at_ns": sent, "settled_at_ns": sent + 5 * MS}
    first = batch_id * 10
    return batch(batch_id, first, first + size - 1, cause=cause, oldest_age_ns=sent - opened, **{**times, **columns})


def test_window_diagnosis_by_phase(tmp_path: Path) -> None:
    """Ids alternate between phases by batch; a retry and a batch of the warm-up don't count."""
    rows = [item(i, i * MS, phase="calm" if i // 10 % 2 else "peak", settled_at_ns=i * MS) for i in range(120)]
    sent = [closed(0, 1, "age", 0)]
    sent += [closed(number, 10, "size", 50) for number in (2, 4, 6)]
    sent += [closed(8, 7, "age", 50), closed(10, 5, "drain", 0), closed(11, 10, "retry", 0)]
    sent += [closed(number, number - 1, "age", 0.3) for number in (1, 3, 5)] + [closed(7, 6, "age", 3)]
    slo = {"percentile": 99.0, "bound_ms": 50.0, "warmup_s": 0.005}
    run = write_run(tmp_path / "run", rows, sent, slo=slo, load_ended_at_ns=SECOND)
    found = ask(run, "tables/window_diagnosis.sql")
    ratios = ("size_ratio", "bytes_ratio", "age_ratio", "drain_ratio", "at_max_size_ratio", "waited_ratio")
    assert picked(found, "phase", "batch_count", *ratios, "reads_as") == [
        ("calm", 4, 0, 0, 1, 0, 0, 0.25, "timer bound"),
        ("peak", 5, 0.6, 0, 0.2, 0.2, 0.6, 0.8, "size bound"),
    ]
    assert picked(found, "median_size", "fill_ratio", "max_wait_ms") == [
        (2, pytest.approx(0.3), 5),
        (10, pytest.approx(0.84), 5),
    ]
    assert [row["oldest_age_ms"] for row in found] == pytest.approx([2.3, 52], rel=5e-4)


@pytest.mark.parametrize(
    ("batches", "reads_as"),
    [
        ([("age", 6.0)] * 3, "worker bound"),
        ([("age", 0.3)] * 3, "timer bound"),
        ([("bytes", 6.0)] * 2 + [("age", 6.0)], "size bound"),
        ([("size", 0.0), ("age", 6.0), ("age", 0.3)], "mixed"),
        ([("drain", 0.0)], "mixed"),
    ],
)
def test_window_diagnosis_in_a_word(tmp_path: Path, batches: list[tuple[str, float]], reads_as: str) -> None:
    sent = [closed(number, 3, cause, waited) for number, (cause, waited) in enumerate(batches)]
    sent[0]["window_max_wait_ns"] = None
    (found,) = ask(write_run(tmp_path / "run", [], sent, slo=NO_WARMUP), "tables/window_diagnosis.sql")
    assert (found["phase"], found["reads_as"], found["max_wait_ms"]) == ("", reads_as, None)
