"""snappy: the framing format, chunk by chunk, or one raw block. Which of the two a body is, its first bytes say.

Must live here: this codec only. Must not: caps (`meter`).

A raw block declares its size first and has to be inflated in one go, into memory of that size: a service that believes
it can be made to allocate 4 GiB for a body of five bytes (CVE-2023-34455). Here the declared size is held against what
a body of this length can become at most, and against the cap, before anything is allocated.
A framed body is a row of chunks, each inflating to 64 KiB at most, with a CRC-32C each; they are inflated one by one.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Final

import cramjam

from ingestexp.adapters.codecs.meter import CHUNK_BYTES
from ingestexp.decode_port import EnvelopeRejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.adapters.codecs.feed import Feed
    from ingestexp.adapters.codecs.meter import Meter

STREAM_IDENTIFIER: Final = b"\xff\x06\x00\x00sNaPpY"
"""How a framed body starts. No raw block does: its second element would copy from before the block's start."""

_COMPRESSED, _UNCOMPRESSED, _LAST_UNSKIPPABLE, _IDENTIFIER = 0x00, 0x01, 0x7F, 0xFF
_MOST_CHUNK_BYTES: Final = 1 << 16
_MOST_COMPRESSED_BYTES: Final = 4 + 32 + _MOST_CHUNK_BYTES * 7 // 6
"""A checksum and what 64 KiB become at worst (`MaxCompressedLength` of the reference implementation)."""
_MOST_RATIO: Final = (64, 3)
"""The densest element: three bytes that copy 64."""


def snappy_chunks(feed: Feed, meter: Meter) -> Iterator[bytes]:
    """What the body holds, in chunks. Raises EnvelopeRejected."""
    is_framed = feed.peek(len(STREAM_IDENTIFIER)) == STREAM_IDENTIFIER
    return _framed(feed, meter) if is_framed else _raw(feed, meter)


def _framed(feed: Feed, meter: Meter) -> Iterator[bytes]:
    while not feed.at_end():
        meter.piece()
        head = _exactly(feed, 4)
        kind, size = head[0], int.from_bytes(head[1:], "little")
        if kind in (_COMPRESSED, _UNCOMPRESSED):
            if size > _MOST_COMPRESSED_BYTES:
                raise EnvelopeRejected("malformed", "a chunk that no snappy encoder makes")
            if chunk := _chunk(kind, head, _exactly(feed, size), meter):
                yield chunk
        elif kind == _IDENTIFIER:
            if head + _exactly(feed, size) != STREAM_IDENTIFIER:
                raise EnvelopeRejected("malformed", "a stream identifier that is none")
        elif kind <= _LAST_UNSKIPPABLE:
            raise EnvelopeRejected("malformed", f"a chunk of the reserved type 0x{kind:02x}")
        elif not feed.skip(size):
            raise EnvelopeRejected("truncated", "the body ends within a skippable chunk")


def _chunk(kind: int, head: bytes, content: bytes, meter: Meter) -> bytes:
    """One data chunk: CRC-32C (4 bytes), then a raw block or the bytes themselves."""
    size = len(content) - 4
    if size >= 0 and kind == _COMPRESSED:
        size = _declared(content[4:], 0)[0]
    if not 0 <= size <= _MOST_CHUNK_BYTES:
        raise EnvelopeRejected("malformed", "a chunk that no snappy encoder makes")
    meter.expect(size)
    try:
        chunk = bytes(cramjam.snappy.decompress(STREAM_IDENTIFIER + head + content))
    except cramjam.DecompressionError as error:
        raise EnvelopeRejected("malformed", str(error)) from None
    meter.inflated(len(chunk))
    return chunk


def _raw(feed: Feed, meter: Meter) -> Iterator[bytes]:
    """Only as the outermost level: nothing in its bytes would tell it from items."""
    meter.piece()
    body = feed.body or b""
    meter.consumed_bytes = len(body)
    size, start = _declared(body, 0)
    most, to_hold = _MOST_RATIO
    if size * to_hold > (len(body) - start) * most:
        raise EnvelopeRejected("malformed", f"declares {size:,} bytes, more than {len(body):,} bytes can become")
    meter.expect(size)
    if not size:
        if len(body) > start:
            raise EnvelopeRejected("malformed", "declares that it is empty, and is not")
        return
    with mmap.mmap(-1, size) as whole:
        try:
            written = cramjam.snappy.decompress_raw_into(body, whole)
        except cramjam.DecompressionError as error:
            raise EnvelopeRejected("malformed", str(error)) from None
        if written != size:
            raise EnvelopeRejected("malformed", f"declares {size:,} bytes and holds {written:,}")
        for first in range(0, size, CHUNK_BYTES):
            chunk = whole[first : first + CHUNK_BYTES]
            meter.inflated(len(chunk))
            yield chunk
            # What has been taken is given back at once: the items would otherwise be held twice.
            whole.madvise(mmap.MADV_DONTNEED, first, len(chunk))


def _declared(body: bytes, start: int) -> tuple[int, int]:
    """(the size that a raw block declares, where its elements start): a varint of 32 bits."""
    size = 0
    for position in range(start, min(start + 5, len(body))):
        byte = body[position]
        size |= (byte & 0x7F) << (7 * (position - start))
        if byte < 0x80:
            if size >= 1 << 32:
                break
            return size, position + 1
    if len(body) - start < 5:
        raise EnvelopeRejected("truncated", "the body ends within its declared size")
    raise EnvelopeRejected("malformed", "the declared size is no 32-bit number")


def _exactly(feed: Feed, nbytes: int) -> bytes:
    read = feed.up_to(nbytes)
    if len(read) < nbytes:
        raise EnvelopeRejected("truncated", "the body ends within a chunk")
    return read
