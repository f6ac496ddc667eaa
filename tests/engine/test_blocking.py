"""A blocked source: what waits at the door is the policy's doing, never the generator's lateness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.core.script import Setup
from tests.engine.rig import MS, DueTimes, Gate, Hands, HandSink, run
from tests.trace.pages import rows_of

if TYPE_CHECKING:
    from pathlib import Path

OUTAGE_NS = 120 * MS


def test_items_due_while_the_queue_is_full_are_offered_as_due_and_their_wait_is_blocking(tmp_path: Path) -> None:
    """The sink hangs for 120 ms; 60 items fall due meanwhile, one a ms, into a queue of 8."""
    gate = Gate()
    core = Setup(capacity=8, max_size=4).pipeline()

    class Releasing(Hands):
        def look(self, now_ns: int, core: object) -> None:
            if now_ns > OUTAGE_NS:
                gate.opened.set()

    due_ns = [item_id * MS for item_id in range(60)]
    run(tmp_path, core, DueTimes(due_ns, 60 * MS), HandSink(gate), hands=Releasing())
    rows = sorted(rows_of(tmp_path, "items", ("item_id", "intended_at_ns", "offered_at_ns", "admitted_at_ns")))
    assert core.committed == len(rows) == 60
    late_ns = [offered - intended for _, intended, offered, _ in rows]
    assert max(late_ns) < OUTAGE_NS - 60 * MS  # the least that the outage would add to the last item
    behind_the_door = rows[14:]
    assert all(offered == intended for _, intended, offered, _ in behind_the_door)
    assert all(admitted > OUTAGE_NS for *_, admitted in behind_the_door)
    assert all(admitted - offered < 40 * MS for _, _, offered, admitted in rows[:8])


def test_due_minus_settled_shows_the_backlog_that_a_blocked_source_hides(tmp_path: Path) -> None:
    gate = Gate()
    core = Setup(capacity=8, max_size=4).pipeline()
    due_ns = [item_id * MS // 10 for item_id in range(500)]
    run(tmp_path, core, DueTimes(due_ns, 50 * MS), HandSink(gate), drain_ns=60 * MS, gate=gate)
    samples = rows_of(tmp_path, "samples", ("depth_items", "lag_items", "offered"))
    assert max(depth for depth, _, _ in samples) <= 8
    assert max(lag for _, lag, _ in samples) == 500
    assert max(offered for _, _, offered in samples) < 500
