"""Where nobody may kill, allocations are refused: that is a failed run with a reason, and never `oom_killed`.

RLIMIT_DATA is forced by naming it as the only way; the refusals are real.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from ingestexp.experiment.supervisor.enclosure import RLIMIT_DATA
from ingestexp.experiment.supervisor.supervise import supervise
from tests.experiment.supervisor.limited import HOARDING, QUIET, config, manifest

if TYPE_CHECKING:
    from pathlib import Path

ONLY = (RLIMIT_DATA,)


def test_a_refused_allocation_fails_the_run_and_says_that_nothing_was_killed(tmp_path: Path) -> None:
    """Twice the items' size: the limit counts address space, which threads and pools reserve beyond what they hold."""
    faster = ("load.rate_per_s=60000", "memory.limit_mb=400")
    result = supervise(config(*HOARDING, *faster), tmp_path, ["here"], ways=ONLY)
    facts = manifest(tmp_path)
    assert (result.status, result.exit_code) == ("failed", 3)
    assert facts["status_reason"].startswith("out of memory, not killed: memory.limit_mb=400 (RLIMIT_DATA)")
    assert facts["memory"]["exhausted"]
    assert facts["memory"]["oom_kill_count"] is None
    depth = pq.read_table(sorted((tmp_path / "samples").glob("[0-9]*.parquet"))).column("depth_bytes").to_pylist()
    assert depth[-1] > depth[0] + 30e6


def test_a_run_that_stays_within_it_is_untouched(tmp_path: Path) -> None:
    result = supervise(config(*QUIET, "memory.limit_mb=1000"), tmp_path, ["here"], ways=ONLY)
    assert (result.status, result.reason) == ("completed", None)
    assert manifest(tmp_path)["memory"]["enforced_by"] == RLIMIT_DATA


def test_libraries_that_do_not_fit_are_an_error_however_they_end(tmp_path: Path) -> None:
    result = supervise(config(*QUIET, "memory.limit_mb=60"), tmp_path, ["here"], ways=ONLY)
    assert result.status == "failed"
    assert "memory.limit_mb=60 (RLIMIT_DATA) is too small" in str(result.reason)
