"""lz4: the frame format, any number of frames. Raw blocks, which carry no length and no checksum, are not accepted.

Must live here: this format only. Must not: caps (`meter`). A declared content size is compared by the library at the
frame's end and used for nothing before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import lz4.frame

from ingestexp.decode_port import EnvelopeRejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.adapters.codecs.feed import Feed
    from ingestexp.adapters.codecs.meter import Meter


MAGIC: Final = b"\x04\x22\x4d\x18"
_SKIPPABLE: Final = b"\x2a\x4d\x18"


def lz4_chunks(feed: Feed, meter: Meter) -> Iterator[bytes]:
    """What all frames hold, in chunks. Raises EnvelopeRejected."""
    while not feed.at_end():
        head = feed.peek(4)
        if not MAGIC.startswith(head) and not (head[0] & 0xF0 == 0x50 and _SKIPPABLE.startswith(head[1:])):
            raise EnvelopeRejected("malformed", "something that is no lz4 frame")
        yield from _frame(feed, meter)


def _frame(feed: Feed, meter: Meter) -> Iterator[bytes]:
    meter.piece()
    inflater = lz4.frame.LZ4FrameDecompressor()
    while not inflater.eof:
        compressed = bytes(feed.some()) if inflater.needs_input else b""
        at_end = inflater.needs_input and not compressed
        try:
            chunk = inflater.decompress(compressed, max_length=meter.step_bytes())
        except RuntimeError as error:
            raise EnvelopeRejected("malformed", str(error)) from None
        if chunk:
            meter.inflated(len(chunk))
            yield chunk
        elif at_end and not inflater.eof:
            raise EnvelopeRejected("truncated", "the body ends within a frame")
    feed.give_back(inflater.unused_data or b"")
