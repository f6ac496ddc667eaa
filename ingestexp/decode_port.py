"""The Protocols of compressed envelopes: many items in one body, inflated under caps.

Must live here: what a decoder, a sealer and a source of bombs have to offer, the caps, the one error a decoder may
raise. Must not: an implementation, a compression library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.ports import Int32s, PayloadArray

REASONS: Final = (
    "inflated_bytes",  # all levels and members together inflate to more than max_inflated_bytes
    "inflate_ratio",  # more than max_inflate_ratio times the compressed bytes read so far
    "item_count",  # more than max_items items
    "item_bytes",  # an item longer than max_item_bytes
    "nesting",  # compressed more often than max_nesting times
    "member_count",  # more members, frames, blocks or chunks than max_members and one for each KiB
    "window",  # a zstd frame asks for more history than the decoder grants
    "malformed",  # not the codec's format, a wrong checksum, something after the end, no items
    "truncated",  # ends too early
)
"""Why an envelope is refused: there are no others."""

RATIO_FLOOR_BYTES: Final = 1 << 20
"""Up to here no inflate ratio is too high: a tiny body of repetitive items is no bomb."""


class EnvelopeRejected(Exception):
    """This body will never be accepted. `reason` is one of REASONS, `detail` says it with its figures.

    `inflated_bytes` is what had been inflated by then: the true size is unknown.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.inflated_bytes = 0


@dataclass(frozen=True, slots=True)
class Caps:
    """What a body may at most become; None: no cap. A value exactly at its cap passes."""

    max_inflated_bytes: int | None = 16 << 20
    max_inflate_ratio: float | None = 100.0
    max_items: int | None = 10_000
    max_item_bytes: int | None = 1 << 20
    max_members: int | None = 1_000
    max_nesting: int = 1


@dataclass(frozen=True, slots=True)
class Inflated:
    """An accepted body: `items` an Arrow `binary` array (n,), `sizes` int32 (n,) in bytes.

    `inflated_bytes` counts the bytes of every level, line ends included.
    """

    items: Any
    sizes: Int32s
    inflated_bytes: int


class Decoder(Protocol):
    """Inflates bodies of one codec. Used by one thread at a time."""

    codec: str

    def decode(self, body: bytes) -> Inflated:
        """The items of the body, one a line (LF, the last one optional). Raises EnvelopeRejected and nothing else.

        Inflates in chunks and stops at the first cap that is passed: memory stays under `max_inflated_bytes` and one
        buffer, whatever the body declares about itself.
        """


class Sealer(Protocol):
    """Makes bodies of one codec: the producer's side."""

    codec: str

    def seal(self, items: PayloadArray) -> bytes:
        """One body of the items (an Arrow `binary` array), one a line. They hold no LF."""


class Bombs(Protocol):
    """Hostile bodies in turn, made before the run."""

    every: int
    """One bomb after so many envelopes."""

    def bodies(self) -> Iterator[tuple[str, bytes]]:
        """(name of the shape, body), without end."""


@dataclass(frozen=True, slots=True)
class Envelopes:
    """How a live run's arrivals come: `items_per_envelope` to a body, with bombs between them or not."""

    items_per_envelope: int
    sealer: Sealer
    decoder: Decoder
    bombs: Bombs | None = None


class EnvelopeFate(NamedTuple):
    """What became of an envelope, in the order of the trace's columns. Instants are ns from the run's start.

    `blocked_ns`: how long the policy held it back after it was offered; the rest, up to its items' admission, went into
    inflating it and those before it. `outcome`: accepted, rejected, or unoffered (still held back at the run's end).
    `shape`: of a bomb that the run put in, else None. `body` is kept for a rejected one only.
    """

    envelope_id: int
    intended_at_ns: int
    offered_at_ns: int | None
    blocked_ns: int | None
    decode_started_at_ns: int | None
    decoded_at_ns: int | None
    codec: str
    body_bytes: int
    inflated_bytes: int | None
    item_count: int | None
    first_item_id: int | None
    outcome: str
    reason: str | None
    detail: str | None
    is_bomb: bool
    shape: str | None
    body: bytes | None


class EnvelopeNotes(Protocol):
    """Who takes note of envelopes."""

    def note(self, fate: EnvelopeFate) -> None:
        """From the source's thread, or when that has ended. May wait while the writer is behind."""
