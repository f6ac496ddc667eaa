"""The port of the spill: what the engine hands to a store on disk and gets back from it.

Must live here: the record that crosses the border, the store's Protocol. Must not: files, frames, threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.ports import Int32s, Int64s


class SpillError(Exception):
    """The spill's failure, in words meant for the user."""


class SpillDiskFull(SpillError):
    """The device has no room left (or the quota is used up); what was accepted before is unharmed."""


@dataclass(slots=True)
class Stretch:
    """Items first..first+n-1 on their way to the spill or back, with all that has to survive the trip.

    `due_ns` int64 (n,), None in a `saturate` run; `payloads` Arrow `binary` (n,); `envelope_ids` int64 (n,) or None;
    `segment` is the number of the segment file it was read from (-1: from none yet), `sizes` the payloads' int32 (n,),
    known when they were read.
    """

    first: int
    due_ns: Int64s | None
    offered_at_ns: int
    admitted_at_ns: int
    payloads: Any
    phase: int = 0
    origin_run: str | None = None
    redrive_round: int = 0
    envelope_ids: Int64s | None = None
    segment: int = -1
    sizes: Int32s | None = None


class SpillStore(Protocol):
    """A first-in first-out store on disk: one thread appends and syncs, another may take and release meanwhile.

    `nbytes`: what its files hold.
    """

    nbytes: int

    def append(self, stretches: Sequence[Stretch]) -> int:
        """File bytes written, 0 where they would exceed the store's limit. Nothing is accepted before `sync`.

        Raises SpillDiskFull, SpillError; the same holds for the others.
        """

    def sync(self) -> int:
        """Make everything appended durable; returns how many items that accepted."""

    def take(self, max_items: int, max_bytes: int) -> list[Stretch]:
        """The oldest accepted items that were not taken yet, as many as fit (one at least); none: an empty list."""

    def release(self, segment: int, items: int) -> int:
        """So many taken items of the segment will never be asked for again; returns the file bytes set free."""

    def close(self, tidy: bool = False) -> None:
        """Idempotent. The files stay; `tidy`: a folder that holds none goes."""

    def describe(self) -> dict[str, object]:
        """Bytes written, frames, syncs, peak: goes into the manifest."""
