"""gzip (RFC 1952, any number of members) and deflate (RFC 1950, the zlib wrapping, exactly one stream).

Must live here: these two. Must not: caps (`meter`). Both carry a checksum, which zlib compares.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from ingestexp.decode_port import EnvelopeRejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.adapters.codecs.feed import Feed
    from ingestexp.adapters.codecs.meter import Meter

GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WBITS: Final = 31
_ZLIB_WBITS: Final = 15


def gzip_chunks(feed: Feed, meter: Meter) -> Iterator[bytes]:
    """What all members hold, in chunks. Raises EnvelopeRejected."""
    while True:
        yield from _member(feed, meter, _GZIP_WBITS)
        if feed.at_end():
            return
        if not GZIP_MAGIC.startswith(feed.peek(2)):
            raise EnvelopeRejected("malformed", "something that is no gzip member follows the last one")


def deflate_chunks(feed: Feed, meter: Meter) -> Iterator[bytes]:
    yield from _member(feed, meter, _ZLIB_WBITS)
    if not feed.at_end():
        raise EnvelopeRejected("malformed", "something follows the end of the deflate stream")


def _member(feed: Feed, meter: Meter, wbits: int) -> Iterator[bytes]:
    meter.piece()
    inflater = zlib.decompressobj(wbits)
    while not inflater.eof:
        compressed: bytes | memoryview = inflater.unconsumed_tail or feed.some()
        at_end = not len(compressed)
        try:
            chunk = inflater.decompress(compressed, meter.step_bytes())
        except zlib.error as error:
            raise EnvelopeRejected("malformed", str(error)) from None
        if chunk:
            meter.inflated(len(chunk))
            yield chunk
        elif at_end and not inflater.eof:
            raise EnvelopeRejected("truncated", "the body ends within a member")
    feed.give_back(inflater.unused_data)
