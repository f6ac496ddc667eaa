"""A blocked source: what waits at the door is the policy's doing, never the generator's lateness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.core.script import Setup
from tests.engine.rig import MS, DueTimes, Gate, Hands, HandSink, run
from tests.trace.pages import rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.core.pipeline import Pipeline

OUTAGE_NS = 150 * MS


def test_items_due_while_the_queue_is_full_are_offered_as_due_and_their_wait_is_blocking(tmp_path: Path) -> None:
    """Of 13 items 4 hang in the sink for 150 ms, 8 fill the queue, one waits at the door; 47 fall due behind it."""
    gate = Gate()
    core = Setup(capacity=8, max_size=4).pipeline()

    class Releasing(Hands):
        def look(self, now_ns: int, core: Pipeline) -> None:
            if now_ns > OUTAGE_NS:
                gate.opened.set()

    due_ns = [0] * 13 + [(50 + item) * MS for item in range(47)]
    run(tmp_path, core, DueTimes(due_ns, 100 * MS), HandSink(gate), hands=Releasing())
    rows = sorted(rows_of(tmp_path, "items", ("item_id", "intended_at_ns", "offered_at_ns", "admitted_at_ns")))
    assert core.committed == len(rows) == 60
    at_the_door, behind_it = rows[12:13], rows[13:]
    assert all(admitted - offered < 50 * MS for _, _, offered, admitted in rows[:12])
    assert all(offered == intended for _, intended, offered, _ in behind_it)
    assert all(admitted > OUTAGE_NS for *_, admitted in at_the_door + behind_it)
    assert max(offered - intended for _, intended, offered, _ in rows) < 50 * MS


def test_due_minus_settled_shows_the_backlog_that_a_blocked_source_hides(tmp_path: Path) -> None:
    gate = Gate()
    core = Setup(capacity=8, max_size=4).pipeline()
    due_ns = [item_id * MS // 10 for item_id in range(500)]
    run(tmp_path, core, DueTimes(due_ns, 50 * MS), HandSink(gate), drain_ns=60 * MS, gate=gate)
    samples = rows_of(tmp_path, "samples", ("depth_items", "lag_items", "offered"))
    assert max(depth for depth, _, _ in samples) <= 8
    assert max(lag for _, lag, _ in samples) == 500
    assert max(offered for _, _, offered in samples) < 500
