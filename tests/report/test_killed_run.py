"""A run that was killed at its limit, in the summary and the tables: by samples, since its queue has no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.report.depth_chart import depth_of
from ingestexp.report.evidence import open_evidence
from ingestexp.report.figures import figures_of
from ingestexp.report.summary import summary_lines
from ingestexp.report.sweep_figures import finished_cells
from tests.analysis.test_tables import NO_WARMUP, ask, settled
from tests.report.evidence import MS, Row, batch, write_run, write_samples

if TYPE_CHECKING:
    from pathlib import Path

MB = 1 << 20


def killed_run(folder: Path, **memory: object) -> Path:
    """Ten items settled, a thousand queued with each sample: 1 MB, and as much resident memory."""
    items = [settled(i, i, 3) for i in range(10)]
    limit: Row = {"limit_mb": 120.0, "enforced_by": "cgroup v2", "oom_kill_count": 1, "baseline_bytes": 90 * MB}
    counters = {"offered": 20_010, "committed": 10, "dropped": 0, "dead_lettered": 0, "unsettled": 20_000}
    run = write_run(
        folder,
        items,
        [batch(0, 0, 9, settled_at_ns=20 * MS)],
        status="oom_killed",
        status_reason="the kernel killed it for memory at memory.limit_mb=120 (cgroup v2)",
        memory={**limit, "peak_bytes": 120 * MB, "peak_rss_bytes": 120 * MB, **memory},
        counters={**counters, "counted_by": "the last sample"},
        slo=NO_WARMUP,
        self_checks={},
        load_ended_at_ns=None,
        ended_at_ns=1000 * MS,
    )
    steps = range(21)
    write_samples(
        run,
        [
            {"at_ns": i * 50 * MS, "depth_items": 1000 * i, "depth_bytes": i * MB, "rss_bytes": (100 + i) * MB}
            for i in steps
        ],
    )
    return run


def shown(run: Path) -> str:
    with open_evidence(run) as evidence:
        return "\n".join(line.plain for line in summary_lines(figures_of(evidence), depth_of(evidence)))


def test_the_summary_says_what_it_held_and_what_was_lost(tmp_path: Path) -> None:
    text = shown(killed_run(tmp_path / "run"))
    assert "OOM_KILLED: the kernel killed it for memory at memory.limit_mb=120 (cgroup v2)" in text
    assert "20,000 items that were offered by the last sample (1 s) have no row" in text
    assert "limit 120 MB by cgroup v2, resident 90 MB before the load, 120 MB at most (grown by 30)" in text
    assert "peak 20,000 items at 1 s by samples" in text
    assert "verdict   FAIL" in text


def test_a_kill_far_below_its_limit_proves_nothing(tmp_path: Path) -> None:
    assert "verdict   INVALID" in shown(killed_run(tmp_path / "run", peak_bytes=60 * MB))


def test_memory_use_follows_what_was_queued(tmp_path: Path) -> None:
    (row,) = ask(killed_run(tmp_path / "run"), "tables/memory_use.sql")
    assert (row["limit_bytes"], row["baseline_bytes"], row["peak_rss_bytes"]) == (120 * MB, 90 * MB, 120 * MB)
    assert (row["growth_bytes"], row["peak_depth_bytes"], row["oom_kill_count"]) == (30 * MB, 20 * MB, 1)
    assert abs(row["rss_per_queued_byte"] - 1) < 1e-9


def test_a_run_without_a_limit_has_no_line_of_memory(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [settled(i, i, 3) for i in range(10)], slo=NO_WARMUP)
    assert "memory  " not in shown(run)


def test_a_sweep_shows_what_a_refused_run_left_and_calls_it_inconclusive(tmp_path: Path) -> None:
    refused = {"limit_mb": 120.0, "enforced_by": "RLIMIT_DATA", "exhausted": "MemoryError", "baseline_bytes": 90 * MB}
    for name, memory in (("0000-a", refused), ("0001-b", {**refused, "exhausted": None})):
        reason = "out of memory, not killed"
        write_run(tmp_path / name, [settled(0, 0, 3)], status="failed", status_reason=reason, memory=memory)
    lines = [{"folder": name, "status": "failed"} for name in ("0000-a", "0001-b", "0002-c")]
    assert [(cell.folder.name, cell.verdict["result"]) for cell in finished_cells(tmp_path, lines)] == [
        ("0000-a", "INCONCLUSIVE")
    ]
