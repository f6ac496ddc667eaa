"""The kernel kills a run at its limit: it is called so, and what it recorded until then can be read.

These are real kills. Where no control group may be made and no user manager runs, they are skipped.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from ingestexp.experiment.supervisor.supervise import MB, carry_out, supervise
from tests.experiment.supervisor.limited import HOARDING, KERNEL_WAYS, QUIET, config, groups_of, kernel_way, manifest

if TYPE_CHECKING:
    from pathlib import Path


def test_a_queue_without_bounds_is_killed_and_its_evidence_shows_queue_and_memory_growing(tmp_path: Path) -> None:
    way = kernel_way()
    result = carry_out(config(*HOARDING, "memory.limit_mb=200"), tmp_path, ["here"])
    assert (result.status, result.exit_code) == ("oom_killed", 3)
    facts = manifest(tmp_path)
    memory = facts["memory"]
    assert facts["status"] == "oom_killed"
    assert "memory.limit_mb=200" in facts["status_reason"]
    assert memory["enforced_by"] == way
    assert memory["oom_kill_count"] >= 1
    assert memory["exhausted"] is None
    assert memory["peak_bytes"] is None or memory["peak_bytes"] > 0.9 * 200 * MB
    samples = pq.read_table(sorted((tmp_path / "samples").glob("[0-9]*.parquet")))
    depth, rss = samples.column("depth_bytes").to_pylist(), samples.column("rss_bytes").to_pylist()
    grown = depth[-1] - depth[0]
    assert grown > 30e6, "the queue grew while anybody wrote it down"
    assert 0.5 * grown < rss[-1] - rss[0] < 2 * grown, "memory follows the queued bytes"
    assert rss[-1] > memory["baseline_bytes"] > 20e6
    assert memory["peak_rss_bytes"] > 0.98 * rss[-1], "the kernel counts pages by thread and sums up later"
    assert pq.read_table(sorted((tmp_path / "items").glob("[0-9]*.parquet"))).num_rows > 0
    assert groups_of(way, os.getpid()) == []


def test_a_run_that_stays_within_its_limit_is_untouched(tmp_path: Path) -> None:
    way = kernel_way()
    result = supervise(config(*QUIET, "memory.limit_mb=500"), tmp_path, ["here"], ways=KERNEL_WAYS)
    assert (result.status, result.exit_code, result.reason) == ("completed", 0, None)
    facts = manifest(tmp_path)
    assert facts["status_reason"] is None
    assert facts["counters"]["committed"] == facts["counters"]["offered"] > 400
    assert facts["self_checks"]["ledger"]["balanced"]
    assert facts["memory"]["oom_kill_count"] == 0
    assert 0 < facts["memory"]["baseline_bytes"] <= facts["memory"]["peak_rss_bytes"]
    assert groups_of(way, os.getpid()) == []


def test_a_limit_that_the_interpreter_does_not_fit_into_is_an_error_and_no_verdict(tmp_path: Path) -> None:
    kernel_way()
    result = carry_out(config(*QUIET, "memory.limit_mb=20"), tmp_path, ["here"])
    assert (result.status, result.exit_code) == ("failed", 3)
    assert "memory.limit_mb=20" in str(result.reason)
    assert "is too small" in str(result.reason)
    facts = manifest(tmp_path)
    assert facts["status"] == "failed"
    assert facts["memory"]["baseline_bytes"] is None


def test_without_a_limit_there_is_no_child(tmp_path: Path) -> None:
    carry_out(config(*QUIET), tmp_path, ["here"])
    facts = manifest(tmp_path)
    assert facts["memory"]["limit_mb"] is None
    assert facts["memory"]["enforced_by"] is None
    assert facts["memory"]["baseline_bytes"] > 20e6
    assert facts["pid"] == os.getpid()
