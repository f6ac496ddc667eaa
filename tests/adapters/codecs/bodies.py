"""Bodies to test decoders with, made by the libraries themselves.

Must live here: one compressor a format, texts of items. Must not: assertions.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Final

import cramjam
import lz4.frame
import zstandard

from ingestexp.adapters.codecs.decoder import EnvelopeDecoder
from ingestexp.decode_port import Caps, EnvelopeRejected

if TYPE_CHECKING:
    from collections.abc import Callable


def _zstd_stream(text: bytes) -> bytes:
    """Without a declared size, in many blocks."""
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    parts = [
        compressor.compress(text[start : start + 5000]) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        for start in range(0, len(text), 5000)
    ]
    return b"".join(parts) + compressor.flush()


COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": gzip.compress,
    "zstd": lambda text: zstandard.ZstdCompressor(write_checksum=True).compress(text),
    "zstd_stream": _zstd_stream,
    "lz4": lambda text: bytes(lz4.frame.compress(text, content_checksum=True)),
    "lz4_4m": lambda text: bytes(lz4.frame.compress(text, block_size=lz4.frame.BLOCKSIZE_MAX4MB)),
    "snappy": lambda text: bytes(cramjam.snappy.compress(text)),
    "snappy_raw": lambda text: bytes(cramjam.snappy.compress_raw(text)),
    "deflate": zlib.compress,
}
"""Format → compressor; the format's codec is what stands before the underscore."""

CHECKED: Final = ("gzip", "zstd", "lz4", "snappy", "deflate")
"""Formats with a checksum over what was inflated."""

UNCAPPED: Final = Caps(None, None, None, None, None, 16)


def codec_of(made_by: str) -> str:
    return made_by.split("_")[0]


def decode(made_by: str, body: bytes, caps: Caps = UNCAPPED) -> list[bytes]:
    items: list[bytes] = EnvelopeDecoder(codec_of(made_by), caps).decode(body).items.to_pylist()
    return items


def refusal(codec: str, body: bytes, caps: Caps = UNCAPPED) -> str:
    """The reason for which the body is refused; "" if it is accepted."""
    try:
        EnvelopeDecoder(codec_of(codec), caps).decode(body)
    except EnvelopeRejected as rejected:
        return rejected.reason
    return ""


def lines(items: list[bytes]) -> bytes:
    return b"\n".join(items) + b"\n"
