"""The spill against a model: a deque of items, of which a crash forgets exactly what was not accepted."""

from __future__ import annotations

import tempfile
from collections import deque
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestexp.adapters.spill.queue import SpillQueue
from ingestexp.adapters.spill.recovery import recover, recovered_items
from tests.adapters.spill.stretches import Row, rows, stretch

MAX_BYTES = 6_000

_sizes = st.lists(st.integers(0, 90), min_size=1, max_size=12)
_append = st.tuples(st.just("append"), st.lists(_sizes, min_size=1, max_size=3), st.booleans())
_take = st.tuples(st.just("take"), st.integers(1, 20), st.integers(0, 600))
_plain = st.sampled_from([("sync",), ("release",), ("crash",)])
STEPS = st.lists(_append | _take | _plain, max_size=40)


class Model:
    """What a spill has to know: appended, accepted, taken and not released items, in order."""

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        self.folder = folder
        self.segment_bytes = segment_bytes
        self.spill = SpillQueue(folder, MAX_BYTES, segment_bytes)
        self.appended: list[Row] = []
        self.accepted: deque[Row] = deque()
        self.taken: deque[tuple[int, Row]] = deque()
        self.next_id = 0

    def append(self, groups: list[list[int]], marked: bool) -> None:
        stretches = []
        first = self.next_id
        for sizes in groups:
            stretches.append(stretch(first, sizes, len(sizes), marked=marked))
            first += len(sizes)
        if self.spill.append(stretches):
            by_roll = self.spill.items - len(self.accepted)  # a new segment is begun only when the last is durable
            assert by_roll in (0, len(self.appended))
            self.accepted.extend(self.appended[:by_roll])
            self.appended = self.appended[by_roll:] + rows(stretches)
            self.next_id = first

    def sync(self) -> None:
        self.spill.sync()
        self.accepted.extend(self.appended)
        self.appended = []

    def take(self, max_items: int, max_bytes: int) -> None:
        accepted_before = len(self.accepted)
        got = self.spill.take(max_items, max_bytes)
        found = rows(got)
        segments = [each.segment for each in got for _ in range(len(each.payloads))]
        assert bool(found) == bool(accepted_before), "something comes as long as there is something"
        assert len(found) <= max_items
        assert sum(len(row[4]) for row in found) <= max_bytes or len(found) == 1
        for segment, row in zip(segments, found, strict=True):
            assert row == self.accepted.popleft(), "first in, first out, every fact kept"
            self.taken.append((segment, row))

    def release(self) -> None:
        while self.taken:
            segment, _ = self.taken.popleft()
            self.spill.release(segment, 1)

    def crash(self) -> None:
        """The process dies and the next one recovers. What was not released comes first, once more."""
        self.spill.close()
        still_there = rows(recovered_items(self.folder))
        self.spill = recover(self.folder, MAX_BYTES, self.segment_bytes)
        must = [*(row for _, row in self.taken), *self.accepted]
        assert still_there[len(still_there) - len(must) - len(self.appended) :] == must + self.appended
        assert self.spill.items == len(still_there)
        self.accepted = deque(still_there)  # the flush was not asked for, but a file that is closed may be whole
        self.appended = []
        self.taken.clear()


@settings(max_examples=150, deadline=None)
@given(STEPS, st.sampled_from([1, 400, 100_000]))
def test_behaves_as_a_deque_that_a_crash_does_not_empty(steps: list[tuple[object, ...]], segment_bytes: int) -> None:
    """Items come back in order with all their facts; nothing accepted is lost; the files stay within the bound."""
    with tempfile.TemporaryDirectory() as parent:
        model = Model(Path(parent) / "spill", segment_bytes)
        for name, *arguments in steps:
            getattr(model, str(name))(*arguments)
            files = sum(path.stat().st_size for path in model.folder.glob("*.spill"))
            assert files == model.spill.nbytes <= MAX_BYTES
            assert model.spill.items == len(model.accepted)
        model.sync()
        while model.accepted:
            model.take(7, 200)
        model.release()
        assert list(model.folder.glob("*.spill")) == []
        model.spill.close()
