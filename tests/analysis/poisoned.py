"""Runs with poisoned items, made by hand: batches of eight, one item a millisecond, a write takes one.

Must live here: what each reaction to failures leaves in the trace. Must not: assertions.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestexp.trace.faults import write_faults
from tests.analysis.test_tables import NO_WARMUP
from tests.report.evidence import MS, Row, batch, item, manifest, write_run

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

SIZE = 8
COUNT = 80
END_MS = 100


class Trace:
    """One worker's writes, one after the other, each a millisecond."""

    def __init__(self, poison: Collection[int]) -> None:
        self.poison = set(poison)
        self.items: list[Row] = []
        self.batches: list[Row] = []
        self._free_ms = 0

    def write(self, first: int, last: int, parent: int | None = None, cause: str = "size") -> tuple[int, bool]:
        """(batch id, whether the sink refused it)."""
        refused = bool(self.poison & set(range(first, last + 1)))
        sent = max(self._free_ms, last + 1)
        self._free_ms = sent + 1
        number, outcome = len(self.batches), "rejected" if refused else "committed"
        stamps = {"closed_at_ns": (last + 1) * MS, "sent_at_ns": sent * MS, "settled_at_ns": (sent + 1) * MS}
        self.batches.append(batch(number, first, last, cause=cause, outcome=outcome, parent_batch_id=parent, **stamps))
        return number, refused

    def settle(self, ids: Collection[int], outcome: str, reason: str | None = None) -> None:
        done = self.batches[-1]
        for i in ids:
            stamps = {
                "settled_at_ns": done["settled_at_ns"],
                "sent_at_ns": done["sent_at_ns"],
                "batch_id": done["batch_id"],
            }
            self.items.append(item(i, i * MS, outcome=outcome, reason=reason, offered_at_ns=i * MS, **stamps))

    def leave(self, ids: Collection[int]) -> None:
        self.items += [item(i, i * MS, outcome="unsettled", reason="queued", offered_at_ns=i * MS) for i in ids]

    def bisect(self, first: int, last: int, parent: int | None = None) -> None:
        number, refused = self.write(first, last, parent, "size" if parent is None else "split")
        ids = range(first, last + 1)
        if not refused:
            self.settle(ids, "committed")
        elif len(ids) == 1:
            self.settle(ids, "dead_lettered", "rejected")
        else:
            middle = first + len(ids) // 2
            self.bisect(first, middle - 1, number)
            self.bisect(middle, last, number)

    def report(self, first: int, last: int) -> None:
        number, refused = self.write(first, last)
        if refused:
            self.settle(sorted(self.poison & set(range(first, last + 1))), "dead_lettered", "rejected")
            self.poison, all_poison = set(), self.poison  # the others, that go again, are good
            others = sorted(set(range(first, last + 1)) - all_poison)
            self.write(others[0], others[-1], number, "retry")
            self.batches[-1]["item_count"] = len(others)
            self.settle(others, "committed")
            self.poison = all_poison
        else:
            self.settle(range(first, last + 1), "committed")

    def skip(self, first: int, last: int) -> None:
        _, refused = self.write(first, last)
        self.settle(range(first, last + 1), "dropped" if refused else "committed", "skipped" if refused else None)

    def retry(self, first: int, last: int) -> bool:
        """For ever, until the run's end; False: it was."""
        number, refused = self.write(first, last)
        while refused and self._free_ms < END_MS:
            number, _ = self.write(first, last, number, "retry")
        if not refused:
            self.settle(range(first, last + 1), "committed")
        return not refused


def poisoned_run(folder: Path, variant: str, poison: Collection[int] = (20,), stage: str = "", **how: Any) -> Path:
    """A run of `variant`; `how`: its `verdict`, the cell's `number` and `repeat`, keys of the manifest."""
    trace = Trace(poison)
    starts = list(range(0, COUNT, SIZE))
    while starts:
        first = starts.pop(0)
        last = first + SIZE - 1
        match variant:
            case "split_and_retry":
                trace.bisect(first, last)
            case "report_items":
                trace.report(first, last)
            case "skip_batch":
                trace.skip(first, last)
            case "retry_batch":
                if not trace.retry(first, last):
                    trace.leave(range(first, COUNT))
                    starts = []
            case _:
                trace.poison = set()
                trace.skip(first, last)
    verdict = how.pop("verdict", {"result": "PASS"})
    cell = {"number": how.pop("number", 0), "stage": stage, "variant": variant, "repeat": how.pop("repeat", 0)}
    config = manifest([])["config"]
    changes: Row = {"cell": cell, "config": config, "slo": NO_WARMUP, "load_ended_at_ns": COUNT * MS}
    run = write_run(folder, trace.items, trace.batches, **{**changes, "ended_at_ns": END_MS * MS, **how})
    if variant != "control":
        ids = np.array(sorted(poison), np.int64)
        write_faults(run, [], [(ids, np.zeros(len(ids), np.int8))], ["not_json"])
    (run / "verdict.json").write_text(json.dumps({"reason": "because", "growing": False, **verdict}))
    return run
