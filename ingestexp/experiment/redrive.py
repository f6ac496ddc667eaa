"""A redrive: what is offered again, under which ids the load runs beside it, and what the audits need.

That is the dead letters of a run and, if it was killed, what it left in its spill.

Must live here: the plan, made once the store is open and before anything is sent; the feed for the engine. Must not:
the lane (`engine.redrive_lane`), whether the run it starts from is fit for it (`origin`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ingestexp.engine.redrive_lane import Redriving, Stretch
from ingestexp.experiment.id_claim import IdClaim
from ingestexp.experiment.left_in_spill import left_in_spill
from ingestexp.experiment.origin import NOTHING_THERE, read_origin
from ingestexp.trace.dead_letter_files import read_dead_letters, read_payloads
from ingestexp.trace.id_space import IdSpace
from ingestexp.trace.ledger import last_id
from ingestexp.trace.records import Marks
from ingestexp.trace.redriven import write_held_before, write_redriven
from ingestexp.trace.schema import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.experiment.left_in_spill import LeftInSpill
    from ingestexp.experiment.schema import RunConfig
    from ingestexp.ports import Int64s, Sink
    from ingestexp.trace.dead_letter_files import DeadLetters

OFFERED, ALREADY_THERE, ROUNDS_EXHAUSTED = range(3)
"""In the order of trace.schema.REDRIVE_PLANS."""

_NO_IDS: Final = np.empty(0, np.int64)


class Redrive:
    """Implements `engine.redrive_lane.DeadLetterFeed`. `take_over` first; then it knows what it is going to do.

    An item whose id the store holds is not offered (an earlier redrive was killed after it had been committed); a dead
    letter that had its rounds is parked again at once, so that the store and the newest dead letters hold everything.
    What was left in the spill never failed: no round is counted for it. All arrays hold the dead letters first.
    """

    def __init__(self, config: RunConfig) -> None:
        """Raises ValueError in words meant for the user."""
        folder = Path(config.redrive.folder or "")
        try:
            self._origin = read_origin(folder)
        except ValueError as error:
            raise ValueError(f"redrive.from={folder}: {error}") from None
        path = getattr(config.sink, "path", None)
        self.store = self._origin.store if path is None else Path(path)
        self._section = config.redrive
        self._claim = IdClaim(self.store)
        self._plans = np.empty(0, np.int8)
        self._held_before = _NO_IDS
        self.base_id = 0
        self.count = 0

    def take_over(self, sink: Sink, run_dir: Path) -> dict[str, Any]:
        """Plans it for the open store and writes the plan down; the manifest's facts. Raises ValueError, OSError."""
        self._claim.lock()
        held = self._held_before = np.asarray(sink.read_back())
        try:
            dead, left = self._found()
        except ValueError as error:
            raise ValueError(f"redrive.from={self._origin.folder}: {error}") from None
        self._left = left
        letters = self._letters = dead.followed_by(left.items)
        was_spilled = np.arange(len(letters.ids)) >= len(dead.ids)
        last = max(int(held[-1]) if len(held) else -1, int(letters.ids.max()))
        if not self._origin.facts.get("counters"):  # it was killed: its rows say how far it got
            last = max(last, last_id(self._origin.folder))
        self.base_id = self._claim.take(max(last + 1, self._origin.end_id))
        exhausted = (letters.rounds >= self._section.max_rounds) & ~was_spilled
        self._plans = np.where(exhausted, ROUNDS_EXHAUSTED, OFFERED).astype(np.int8)
        self._plans[np.isin(letters.ids, held)] = ALREADY_THERE
        self._rounds = np.where((self._plans == OFFERED) & ~was_spilled, letters.rounds + 1, letters.rounds)
        self._origins = [name or self._origin.run_id for name in letters.origins]
        self.count = int((self._plans == OFFERED).sum())
        write_held_before(run_dir, held)
        write_redriven(run_dir, letters, self._plans, self._rounds, self._origins, was_spilled)
        return {
            "base_id": self.base_id,
            "redrive": {
                "from": str(self._origin.folder),
                "origin_run": self._origin.run_id,
                "store": str(self.store),
                "held_before": len(held),
                "dead_letters": len(dead.ids),
                "left_in_spill": len(left.items.ids),
                "torn_bytes": left.torn_bytes,
                "offered": self.count,
                "already_there": int((self._plans == ALREADY_THERE).sum()),
                "rounds_exhausted": int((self._plans == ROUNDS_EXHAUSTED).sum()),
                "rate_per_s": self._section.rate_per_s,
                "max_rounds": self._section.max_rounds,
            },
        }

    def _found(self) -> tuple[DeadLetters, LeftInSpill]:
        """What there is to redrive. Raises ValueError in words that go on after "redrive.from=…: "."""
        try:
            dead = read_dead_letters(self._origin.folder, self._origin.zero_unix_ns)
        except ValueError as error:
            raise ValueError(f"its dead letters {error}") from None
        left = left_in_spill(self._origin).without(dead.ids)
        if not len(dead.ids) + len(left.items.ids):
            raise ValueError(NOTHING_THERE)
        return dead, left

    @property
    def redriving(self) -> Redriving:
        return Redriving(self, self._section.rate_per_s, self.base_id)

    def stretches(self) -> Iterator[Stretch]:
        """All that are to be offered or parked again, by file; consecutive ids of one kind go together."""
        letters = self._letters
        by_id = np.argsort(letters.ids)
        sorted_ids = letters.ids[by_id]
        seen = np.zeros(len(by_id), np.bool_)
        for ids, payloads in self._pieces():
            at = by_id[np.searchsorted(sorted_ids, ids)]
            wanted = np.flatnonzero((self._plans[at] != ALREADY_THERE) & ~seen[at])
            seen[at] = True
            start = 0
            for end in range(1, len(wanted) + 1):
                if end == len(wanted) or not self._goes_on(at, wanted[end - 1], wanted[end]):
                    yield self._stretch(at[wanted[start:end]], payloads.slice(int(wanted[start]), end - start))
                    start = end

    def _pieces(self) -> Iterator[tuple[Int64s, Any]]:
        """(ids, payloads): the dead letters in the order of their files, then what was left in the spill."""
        yield from read_payloads(self._origin.folder)
        for each in self._left.stretches():
            yield np.arange(each.first, each.first + len(each.payloads)), each.payloads

    def _goes_on(self, at: Int64s, before: int, place: int) -> bool:
        one, other = at[before], at[place]
        return bool(
            place == before + 1
            and self._letters.ids[other] == self._letters.ids[one] + 1
            and self._plans[other] == self._plans[one]
            and self._rounds[other] == self._rounds[one]
            and self._origins[other] == self._origins[one]
        )

    def _stretch(self, at: Int64s, payloads: Any) -> Stretch:
        first = int(at[0])
        marks = Marks(origin_run=self._origins[first], redrive_round=int(self._rounds[first]))
        refusal = None
        if self._plans[first] == ROUNDS_EXHAUSTED:
            refusal = f"redriven {marks.redrive_round} times, redrive.max_rounds={self._section.max_rounds}"
        sizes = np.array([len(value) for value in payloads.to_pylist()], np.int32)
        ids, arrived = self._letters.ids, self._letters.arrived_unix_ns
        return Stretch(int(ids[first]), arrived[at], sizes, payloads, marks, refusal)

    # -- afterwards ------------------------------------------------------------------------------------

    @property
    def held_before(self) -> Int64s:
        """The ids that the store held when it was opened, ascending."""
        return self._held_before

    def id_space(self, offered: int) -> IdSpace:
        """Of a run that offered so many items, those parked again at once included."""
        redriven = np.sort(self._letters.ids[self._plans != ALREADY_THERE])
        return IdSpace(offered - len(redriven), self.base_id, redriven)

    def results(self, by_place: Any) -> dict[str, int]:
        """What became of the redriven ones, from `trace.ledger.fates`."""
        redriven = by_place[: int((self._plans != ALREADY_THERE).sum())]
        counts = {name: int((redriven == code).sum()) for code, name in enumerate(OUTCOMES)}
        parked = int((self._plans == ROUNDS_EXHAUSTED).sum())
        return {
            "cured": counts["committed"],
            "dead_again": counts["dead_lettered"] - parked,
            "dropped": counts["dropped"],
            "unsettled": counts["unsettled"],
        }

    def release(self) -> None:
        """Let the next redrive into the store begin."""
        self._claim.release()
