"""What a run that was killed left in its spill: items that it had accepted, durable on disk, never committed by it.

Must live here: who they are, what they carry, a torn tail. Must not: the files (`adapters.spill`), what becomes of the
items (`redrive`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ingestexp.adapters.spill.recovery import recovered_items, torn_tail
from ingestexp.experiment.schema.pipeline import PolicyKind
from ingestexp.experiment.spill import FOLDER
from ingestexp.spill_port import SpillError
from ingestexp.trace.dead_letter_files import DeadLetters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestexp.experiment.origin import Origin
    from ingestexp.ports import Int64s
    from ingestexp.spill_port import Stretch

_NOTHING: Final = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class LeftInSpill:
    """`items`: each once, oldest first, in the shape of dead letters; they were "parked" when that run took them in.

    `folder` None: that run did not spill. `torn_bytes`: what was being written when it died, and had not been accepted.
    """

    folder: Path | None
    items: DeadLetters
    torn_bytes: int = 0

    def without(self, ids: Int64s) -> LeftInSpill:
        """All but these: of a dead letter its own row is the newer word."""
        return replace(self, items=self.items.at(np.flatnonzero(~np.isin(self.items.ids, ids))))

    def stretches(self) -> Iterator[Stretch]:
        """Everything in the files once more, with payloads; read as it is asked for. Raises OSError."""
        if self.folder is None or not len(self.items.ids):
            return
        try:
            yield from recovered_items(self.folder)
        except SpillError as error:
            raise OSError(str(error)) from error


def left_in_spill(origin: Origin) -> LeftInSpill:
    """Reads every frame, changes nothing. Raises ValueError in words that go on after "redrive.from=…: "."""
    policy = (origin.facts.get("config") or {}).get("policy") or {}
    folder = origin.folder / (policy.get("spill_path") or FOLDER)
    if policy.get("kind") != PolicyKind.spill.value or not folder.is_dir():
        return LeftInSpill(None, DeadLetters(_NOTHING, _NOTHING, _NOTHING, _NOTHING, []))
    ids, due, accepted, rounds = [_NOTHING], [_NOTHING], [_NOTHING], [_NOTHING]
    origins: list[str] = []
    try:
        for each in recovered_items(folder):
            count = len(each.payloads)
            due_ns = np.full(count, each.offered_at_ns, np.int64) if each.due_ns is None else each.due_ns
            ids.append(np.arange(each.first, each.first + count, dtype=np.int64))
            due.append(due_ns)
            accepted.append(np.maximum(max(each.offered_at_ns, each.admitted_at_ns) - due_ns, 0))
            rounds.append(np.full(count, each.redrive_round, np.int64))
            origins += [each.origin_run or ""] * count
        torn = torn_tail(folder)
    except SpillError as error:
        raise ValueError(f"has a spill that can't be read: {error}") from error
    zero_ns = origin.zero_unix_ns
    if zero_ns is None and origins:
        raise ValueError("has items in its spill, and its manifest does not say when its clock began")
    items = DeadLetters(
        np.concatenate(ids),
        np.concatenate(due) + (zero_ns or 0),
        np.concatenate(accepted),
        np.concatenate(rounds),
        origins,
    )
    _, first = np.unique(items.ids, return_index=True)
    return LeftInSpill(folder, items.at(np.sort(first)), 0 if torn is None else torn.nbytes)
