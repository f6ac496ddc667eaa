"""Counts what a body has become so far and says when it is too much.

Must live here: the caps on bytes, ratio and pieces, over all levels and members of one body. Must not: a format, items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestexp.decode_port import RATIO_FLOOR_BYTES, EnvelopeRejected

if TYPE_CHECKING:
    from ingestexp.decode_port import Caps

CHUNK_BYTES: Final = 1 << 16
"""What is inflated at a time, where the format lets one choose."""

PIECE_BYTES: Final = 1 << 10
"""Pieces of at least this size, on average, are never too many."""

_NO_CAP: Final = 1 << 62


class Meter:
    """One body's. `consumed_bytes` of it have been read, `inflated_bytes` came out, at all levels together."""

    __slots__ = ("_max_bytes", "_max_pieces", "_max_ratio", "caps", "consumed_bytes", "inflated_bytes", "pieces")

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        self.consumed_bytes = 0
        self.inflated_bytes = 0
        self.pieces = 0
        self._max_bytes = _NO_CAP if caps.max_inflated_bytes is None else caps.max_inflated_bytes
        self._max_ratio = caps.max_inflate_ratio
        self._max_pieces = _NO_CAP if caps.max_members is None else caps.max_members

    def step_bytes(self) -> int:
        """How much to inflate next: never more than one byte over the cap, at least 1."""
        return min(CHUNK_BYTES, self._max_bytes - self.inflated_bytes + 1)

    def inflated(self, nbytes: int) -> None:
        """Count bytes that came out. Raises EnvelopeRejected (inflated_bytes, inflate_ratio)."""
        self.inflated_bytes = total = self.inflated_bytes + nbytes
        if total > self._max_bytes:
            raise EnvelopeRejected("inflated_bytes", f"more than {self._max_bytes:,} bytes")
        if total > RATIO_FLOOR_BYTES and self._max_ratio is not None and total > self._max_ratio * self.consumed_bytes:
            detail = f"{total:,} bytes out of {self.consumed_bytes:,}: more than {self._max_ratio:g} times"
            raise EnvelopeRejected("inflate_ratio", detail)

    def expect(self, nbytes: int) -> None:
        """Ask before `nbytes` come out at once. Raises EnvelopeRejected (inflated_bytes)."""
        if self.inflated_bytes + nbytes > self._max_bytes:
            raise EnvelopeRejected("inflated_bytes", f"{nbytes:,} bytes at once: more than {self._max_bytes:,} in all")

    def piece(self) -> None:
        """Count a member, frame, block or chunk: each costs time, however little is in it.

        Raises EnvelopeRejected (member_count).
        """
        self.pieces += 1
        if self.pieces > self._max_pieces:
            free = max(self.consumed_bytes, self.inflated_bytes) // PIECE_BYTES
            if self.pieces > self._max_pieces + free:
                detail = f"more than {self._max_pieces:,} members, frames or blocks, under {PIECE_BYTES:,} bytes each"
                raise EnvelopeRejected("member_count", detail)
