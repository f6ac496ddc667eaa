"""`policy=spill` in the config: what it can't be together with, where its folder may lie, what the manifest says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingestexp.experiment.compose import plan
from tests.adapters.spill.stretches import stretch

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("overrides", "key", "words"),
    [
        (["policy.capacity=1"], "policy.capacity", "at least 2"),
        (["policy.capacity=1000", "window.max_size=501"], "window.max_size", "At most 500 is allowed"),
        (["policy.capacity_bytes=399"], "policy.capacity_bytes", "no item could be spilled"),
        (["policy.spill_max_bytes=1000"], "policy.spill_max_bytes", "must be at least 1,048,576"),
        (["policy.spill_max_bytes=1048576", "payload.size_bytes=300000"], "policy.spill_max_bytes", "a quarter of it"),
        (["policy.spill_path=''"], "policy.spill_path", "has to name a folder"),
        (["policy.spill_path=README.md"], "policy.spill_path", "is not a folder"),
        (["policy.spill_path=no/such/folder"], "policy.spill_path", "does not exist"),
        (["clock=simulated", "sink=model", "policy.spill_path=tests"], "policy.spill_path", "has no files"),
        (["load=saturate", "policy.spill_then=drop_newest"], "load", "spill_then=block"),
    ],
)
def test_a_contradiction_is_named_by_its_key(overrides: list[str], key: str, words: str) -> None:
    (mistake,) = plan(["policy=spill", *overrides]).mistakes
    assert mistake.key == key
    assert words in mistake.why


def test_the_choice_alone_has_no_mistake_and_goes_with_a_saturating_load() -> None:
    assert plan(["policy=spill"]).mistakes == []
    assert plan(["policy=spill", "load=saturate", "sink='null'"]).mistakes == []


def test_a_folder_that_holds_segments_is_refused(tmp_path: Path) -> None:
    from ingestexp.adapters.spill.queue import SpillQueue

    queue = SpillQueue(tmp_path / "spill", 1 << 20)
    queue.append([stretch(0, [1])])
    queue.sync()
    queue.close()
    (mistake,) = plan(["policy=spill", f"policy.spill_path={tmp_path / 'spill'}"]).mistakes
    assert "may be the only copy" in mistake.why


@pytest.mark.parametrize("clock", ["live", "simulated"])
def test_the_manifest_says_what_the_spill_did_and_whether_it_was_simulated(tmp_path: Path, clock: str) -> None:
    """A sink of 1,000 items a second under 20,000: most is on disk when the time to drain is over."""
    overrides = ["policy=spill", "policy.capacity=200", "window.max_size=50", "sink=model", "sink.fixed_ms=50"]
    overrides += ["load.rate_per_s=20000", "load.duration_s=0.5", "run.drain_s=0.5", "progress='off'", f"clock={clock}"]
    argv = [sys.executable, "-m", "ingestexp", *overrides, f"hydra.run.dir={tmp_path / 'run'}"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["status"] == "completed"
    assert manifest["self_checks"]["ledger"]["balanced"]
    counters, policy = manifest["counters"], manifest["policy"]
    assert counters["unsettled"] > 5000
    assert counters["dropped"] == 0
    assert policy["left_bytes"] > 200 * 4000
    if clock == "live":
        assert policy["syncs"] <= policy["frames"]
        assert sum(path.stat().st_size for path in (tmp_path / "run" / "spill").glob("*.spill")) == policy["left_bytes"]
    else:
        assert policy["simulated"]
        assert not (tmp_path / "run" / "spill").exists()
