"""`decode.codec`: from a body to its items, through as many levels of compression as are accepted.

Must live here: the codecs by name, levels within levels. Must not: a format, counting, splitting.
"""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING, Final

from ingestexp.adapters.codecs.feed import Feed
from ingestexp.adapters.codecs.item_lines import collect
from ingestexp.adapters.codecs.lz4_frames import MAGIC as LZ4_MAGIC
from ingestexp.adapters.codecs.lz4_frames import lz4_chunks
from ingestexp.adapters.codecs.meter import Meter
from ingestexp.adapters.codecs.snappy import STREAM_IDENTIFIER, snappy_chunks
from ingestexp.adapters.codecs.zlib_stream import deflate_chunks, gzip_chunks
from ingestexp.adapters.codecs.zstd_frames import MAGIC as ZSTD_MAGIC
from ingestexp.adapters.codecs.zstd_frames import zstd_chunks
from ingestexp.decode_port import EnvelopeRejected, Inflated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestexp.decode_port import Caps

CODECS: Final[dict[str, Callable[[Feed, Meter], Iterator[bytes]]]] = {
    "gzip": gzip_chunks,
    "zstd": zstd_chunks,
    "lz4": lz4_chunks,
    "snappy": snappy_chunks,
    "deflate": deflate_chunks,
}

_STARTS: Final = (
    (b"\x1f\x8b\x08", "gzip"),
    (ZSTD_MAGIC, "zstd"),
    (LZ4_MAGIC, "lz4"),
    (STREAM_IDENTIFIER, "snappy"),
)
_SNIFFED_BYTES: Final = 512


class EnvelopeDecoder:
    """Implements `decode_port.Decoder`."""

    def __init__(self, codec: str, caps: Caps) -> None:
        self.codec = codec
        self._caps = caps

    def decode(self, body: bytes) -> Inflated:
        caps, meter = self._caps, Meter(self._caps)
        try:
            if not body:
                raise EnvelopeRejected("malformed", "the body is empty")
            lines = collect(_innermost(self.codec, body, meter, caps.max_nesting), caps)
            return lines.items(meter.inflated_bytes)
        except EnvelopeRejected as rejected:
            rejected.inflated_bytes = meter.inflated_bytes
            raise


def _innermost(codec: str, body: bytes, meter: Meter, max_nesting: int) -> Iterator[bytes]:
    """The chunks of the last level. What comes out of a level and starts like a compressed body is the next one."""
    chunks = CODECS[codec](Feed.of_body(body, meter), meter)
    for level in itertools.count(2):
        head, chunks = _peek(chunks)
        inner = _codec_of(head)
        if inner is None:
            return chunks
        if level > max_nesting:
            detail = f"{inner} within {codec}: compressed more than {max_nesting} time{'s' * (max_nesting > 1)}"
            raise EnvelopeRejected("nesting", detail)
        codec, chunks = inner, CODECS[inner](Feed(chunks), meter)
    raise AssertionError("not reached")


def _peek(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, as many as a start may have, and all the chunks."""
    read: list[bytes] = []
    while sum(map(len, read)) < len(STREAM_IDENTIFIER) and (chunk := next(chunks, b"")):
        read.append(chunk)
    return b"".join(read), itertools.chain(read, chunks)


def _codec_of(head: bytes) -> str | None:
    for start, codec in _STARTS:
        if head.startswith(start):
            return codec
    return "deflate" if _is_zlib(head[:_SNIFFED_BYTES]) else None


def _is_zlib(head: bytes) -> bool:
    """Two bytes of header say little (`x^` is a valid one): the bytes after them have to inflate as well."""
    if len(head) < 2 or head[0] != 0x78 or head[1] & 0x20 or int.from_bytes(head[:2], "big") % 31:
        return False
    try:
        zlib.decompressobj().decompress(head, 1 << 16)
    except zlib.error:
        return False
    return True
