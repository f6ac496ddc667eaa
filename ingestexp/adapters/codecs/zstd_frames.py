"""zstd (RFC 8878): any number of frames, skippable ones passed over, dictionaries not accepted.

Must live here: this format only. Must not: caps (`meter`).

The library inflates all of what it is given, and reports no truncation. So the frames are walked here and handed over
a block at a time: a block inflates to 128 KiB at most, and it is always known what has to follow. A declared content
size is compared by the library at the frame's end; the window, which it would allocate, is looked at before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import zstandard

from ingestexp.decode_port import EnvelopeRejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.adapters.codecs.feed import Feed
    from ingestexp.adapters.codecs.meter import Meter

MAGIC: Final = b"\x28\xb5\x2f\xfd"
SKIPPABLE: Final = b"\x2a\x4d\x18"
"""The end of a skippable frame's magic number; its first byte is 0x50 to 0x5f."""
MOST_WINDOW_BYTES: Final = 8 << 20
"""What RFC 8878 (3.1.1.1.2) asks every decoder to support, and no more; up to level 19 no encoder needs more."""
_UNCAPPED_WINDOW_BYTES: Final = 1 << 31
_MOST_BLOCK_BYTES: Final = 1 << 17
_RAW, _RLE, _COMPRESSED = 0, 1, 2
_DICT_ID_BYTES: Final = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES: Final = (0, 2, 4, 8)


def zstd_chunks(feed: Feed, meter: Meter) -> Iterator[bytes]:
    """What all frames hold, a block at a time. Raises EnvelopeRejected."""
    most_window = _UNCAPPED_WINDOW_BYTES if meter.caps.max_inflated_bytes is None else MOST_WINDOW_BYTES
    library = zstandard.ZstdDecompressor(max_window_size=most_window)
    while not feed.at_end():
        meter.piece()
        magic = feed.up_to(4)
        if magic == MAGIC:
            yield from _frame(feed, meter, library, most_window)
        elif MAGIC.startswith(magic):
            raise EnvelopeRejected("truncated", "the body ends within a frame")
        elif magic[0] & 0xF0 == 0x50 and magic[1:] == SKIPPABLE:
            if not feed.skip(int.from_bytes(_exactly(feed, 4), "little")):
                raise EnvelopeRejected("truncated", "the body ends within a skippable frame")
        else:
            raise EnvelopeRejected("malformed", "something that is no zstd frame")


def _frame(feed: Feed, meter: Meter, library: zstandard.ZstdDecompressor, most_window: int) -> Iterator[bytes]:
    header, window_bytes, has_checksum = _header(feed)
    if window_bytes > most_window:
        raise EnvelopeRejected("window", f"a window of {window_bytes:,} bytes: more than {most_window:,}")
    most_block = min(window_bytes, _MOST_BLOCK_BYTES)
    inflater = library.decompressobj()
    pending, is_last = MAGIC + header, False
    while not is_last:
        meter.piece()
        head = _exactly(feed, 3)
        fields = int.from_bytes(head, "little")
        is_last, kind, size = bool(fields & 1), fields >> 1 & 3, fields >> 3
        if size > most_block or kind > _COMPRESSED:
            raise EnvelopeRejected("malformed", "a block that no zstd encoder makes")
        content = _exactly(feed, 1 if kind == _RLE else size)
        if is_last and has_checksum:
            content += _exactly(feed, 4)
        try:
            chunk = inflater.decompress(pending + head + content)
        except zstandard.ZstdError as error:
            raise EnvelopeRejected("malformed", str(error)) from None
        pending = b""
        if chunk:
            meter.inflated(len(chunk))
            yield chunk
    if not inflater.eof:
        raise EnvelopeRejected("malformed", "the frame's last block does not end it")


def _header(feed: Feed) -> tuple[bytes, int, bool]:
    """(the header's bytes after the magic, the window it asks for, whether a checksum closes the frame)."""
    descriptor = _exactly(feed, 1)
    bits = descriptor[0]
    is_single_segment = bool(bits & 0x20)
    size_bytes = _CONTENT_SIZE_BYTES[bits >> 6] or is_single_segment
    dict_bytes = _DICT_ID_BYTES[bits & 3]
    rest = _exactly(feed, (not is_single_segment) + dict_bytes + size_bytes)
    if bits & 0x08:
        raise EnvelopeRejected("malformed", "a reserved bit of the zstd frame header is set")
    if any(rest[not is_single_segment : (not is_single_segment) + dict_bytes]):
        raise EnvelopeRejected("malformed", "needs a dictionary, and none is accepted")
    if is_single_segment:
        window_bytes = int.from_bytes(rest[dict_bytes:], "little") + (256 if size_bytes == 2 else 0)
    else:
        base = 1 << (10 + (rest[0] >> 3))
        window_bytes = base + (base >> 3) * (rest[0] & 7)
    return descriptor + rest, window_bytes, bool(bits & 0x04)


def _exactly(feed: Feed, nbytes: int) -> bytes:
    read = feed.up_to(nbytes)
    if len(read) < nbytes:
        raise EnvelopeRejected("truncated", "the body ends within a frame")
    return read
