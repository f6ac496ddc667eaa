"""Live runs that spill: order, evidence, memory, what stays on disk at the end, and what a kill leaves."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ingestexp.adapters.payloads.random_bytes import RandomBytes
from ingestexp.adapters.sinks.log_file import LogFileSink
from ingestexp.adapters.spill.queue import SpillQueue
from ingestexp.adapters.spill.recovery import recovered_items
from ingestexp.core.policy import Overflow
from ingestexp.ports import Saturate, SinkBroken
from ingestexp.spill_port import SpillDiskFull
from tests.adapters.spill.stretches import ids
from tests.core.script import Setup
from tests.engine.rig import MS, DueTimes, Gate, Hands, HandSink, breaks_at, fails, run
from tests.trace.pages import rows_of

if TYPE_CHECKING:
    import pytest

    from ingestexp.core.batch import Batch
    from ingestexp.core.pipeline import Pipeline

ROOT = Path(__file__).parents[2]
COLUMNS = ("item_id", "intended_at_ns", "admitted_at_ns", "outcome", "reason", "was_spilled")


def spilling(capacity: int = 40, max_size: int = 8, **others: object) -> Setup:
    return Setup(Overflow.SPILL, capacity, max_size=max_size, spill_bytes=1 << 20, **others)  # type: ignore[arg-type]


def test_what_was_on_disk_comes_back_in_order_with_its_own_instants(tmp_path: Path) -> None:
    """An outage of the sink while 1,000 items arrive; then it takes them all, first in, first out."""
    gate = Gate()
    seen: list[int] = []

    def rule(batch: Batch) -> None:
        gate(batch)
        seen.extend(item_id for span in batch.spans for item_id in range(span.first, span.end))

    class Opening(Hands):
        def look(self, now_ns: int, core: Pipeline) -> None:
            if core.admission.spilled_items > 900:
                gate.opened.set()

    core = spilling().pipeline()
    store = SpillQueue(tmp_path / "spill", 1 << 20)
    due_ns = [item_id * MS // 10 for item_id in range(1000)]
    end = run(tmp_path, core, DueTimes(due_ns, 100 * MS), HandSink(rule), hands=Opening(), spill=store)
    assert end.error is None
    assert core.committed == 1000
    assert seen == list(range(1000))
    rows = sorted(rows_of(tmp_path, "items", COLUMNS))
    spilled = [row for row in rows if row[5]]
    assert len(spilled) > 900
    assert [row[1] for row in rows] == due_ns, "the intended arrival survives the disk"
    assert max(row[2] - row[1] for row in rows) < 20_000 * MS
    depths = rows_of(tmp_path, "samples", ("depth_items", "spilled"))
    assert max(spilled_items for _, spilled_items in depths) > 900
    assert max(depth for depth, _ in depths) <= 20, "half of the capacity"
    store.close(tidy=True)
    assert not (tmp_path / "spill").exists(), "every segment was released"


def test_payloads_survive_the_disk(tmp_path: Path) -> None:
    gate = Gate()
    core = spilling().pipeline()
    store = SpillQueue(tmp_path / "spill", 1 << 20)
    due_ns = [0] * 500
    end = run(tmp_path, core, DueTimes(due_ns, 1), HandSink(gate), drain_ns=300 * MS, gate=gate, spill=store)
    assert end.error is None
    reasons = Counter(row[4] for row in rows_of(tmp_path, "items", COLUMNS))
    assert reasons["spilled"] > 400
    assert sum(reasons.values()) == 500
    store.close()
    left = list(recovered_items(tmp_path / "spill"))
    payloads = RandomBytes(10, 0.0, np.random.default_rng(1))
    found = {each.first + place: payload for each in left for place, payload in enumerate(each.payloads.to_pylist())}
    rows = rows_of(tmp_path, "items", COLUMNS)
    assert {row[0] for row in rows if row[4] == "spilled"} <= set(found)
    assert all(payloads.take(item_id, 1).to_pylist() == [payload] for item_id, payload in found.items())


def test_retried_items_that_came_from_disk_are_released_once_they_are_settled(tmp_path: Path) -> None:
    core = spilling(backoff_ns=MS).pipeline()
    store = SpillQueue(tmp_path / "spill", 1 << 20, segment_bytes=2000)
    turned_down = {(first, attempt) for first in range(0, 2000, 16) for attempt in (1, 2)}
    end = run(tmp_path, core, DueTimes([0] * 2000, 1), HandSink(fails(turned_down)), spill=store)
    assert end.error is None
    assert core.committed == 2000
    assert store.peak_bytes > 20_000
    assert store.nbytes == 0
    store.close()


def test_a_saturated_run_spills_and_settles_everything(tmp_path: Path) -> None:
    """Without due times: intended when admitted, on the way back too."""
    core = spilling(2000, 64).pipeline()
    store = SpillQueue(tmp_path / "spill", 1 << 20, segment_bytes=50_000)
    end = run(tmp_path, core, Saturate(60_000, None), HandSink(), spill=store)
    assert end.error is None
    assert core.committed == 60_000
    rows = rows_of(tmp_path, "items", COLUMNS)
    assert sorted(row[0] for row in rows) == list(range(60_000))
    assert all(intended == admitted for _, intended, admitted, *_ in rows)
    assert store.peak_bytes <= 1 << 20
    store.close()


def test_a_broken_sink_leaves_the_ledger_balanced_and_the_segments_there(tmp_path: Path) -> None:
    core = spilling().pipeline()
    store = SpillQueue(tmp_path / "spill", 1 << 20)
    end = run(tmp_path, core, DueTimes([0] * 1000, 1), HandSink(breaks_at(3)), spill=store)
    assert isinstance(end.error, SinkBroken)
    outcomes = Counter(row[3] for row in rows_of(tmp_path, "items", COLUMNS))
    assert core.offered == core.settled == sum(outcomes.values()) == 1000
    assert 0 < outcomes["committed"] == core.committed <= 24
    store.close()


def test_a_disk_without_any_room_ends_the_run_with_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SpillQueue(tmp_path / "spill", 1 << 20)

    def full(fd: int, buffers: list[bytes]) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "writev", full)
    core = spilling().pipeline()
    end = run(tmp_path, core, DueTimes([0] * 1000, 1), HandSink(), spill=store)
    monkeypatch.undo()
    assert isinstance(end.error, SpillDiskFull)
    assert "No space left on device" in str(end.error)
    assert core.offered == core.settled
    store.close()


def test_kill_9_loses_nothing_that_was_spilled(tmp_path: Path) -> None:
    """A whole run is killed at random moments: its sink and its segments together hold every item from the first to the
    last that was spilled."""
    rng = random.Random(5)
    overrides = ["policy=spill", "policy.capacity=1000", "policy.spill_max_bytes=20000000", "window.max_size=2"]
    overrides += ["load.rate_per_s=50000", "load.duration_s=20", "sink=log_file", "progress='off'"]
    for kill in range(5):
        folder = tmp_path / str(kill)
        argv = [sys.executable, "-m", "ingestexp", *overrides, f"hydra.run.dir={folder}"]
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            deadline_s = time.monotonic() + 60
            while not list(folder.glob("spill/*.spill")) and time.monotonic() < deadline_s:
                time.sleep(0.01)
            time.sleep(rng.uniform(0.2, 1.5))
            process.send_signal(signal.SIGKILL)
        on_disk = ids(recovered_items(folder / "spill"))
        assert on_disk == list(range(on_disk[0], on_disk[-1] + 1)), "in order, none twice"
        assert len(on_disk) > 1000
        in_sink = LogFileSink(folder / "sink.log", 1).read_back()
        assert in_sink.tolist() == list(range(len(in_sink)))
        nothing_deleted = (folder / "spill" / "000000.spill").exists()  # then what is missing was never spilled
        assert on_disk[0] <= len(in_sink) or nothing_deleted
        assert rows_of(folder, "items", ("item_id",)) is not None, "the evidence is readable"
