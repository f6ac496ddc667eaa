"""What a config may get wrong about compressed envelopes.

Must live here: checks of the group `decode`, all of them in one pass. Must not: ranges (`limits`), construction
(`build_decode`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestexp.experiment.mistake import Mistake, did_you_mean, shown
from ingestexp.experiment.schema.decode import Codec
from ingestexp.experiment.schema.load import SaturateLoad
from ingestexp.experiment.schema.payload import JsonEventPayload, RandomPayload
from ingestexp.experiment.schema.run import ClockKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.experiment.schema.decode import DecodeConfig
    from ingestexp.experiment.schema.run import RunConfig

SHAPES: Final[dict[str, tuple[str, ...]]] = {
    "flat": ("gzip", "zstd", "lz4", "snappy", "deflate"),
    "many_items": ("gzip", "zstd", "lz4", "snappy", "deflate"),
    "concatenated": ("gzip", "zstd", "lz4", "snappy"),
    "tiny_members": ("gzip", "zstd", "lz4", "snappy"),
    "nested": ("gzip", "zstd", "lz4", "snappy", "deflate"),
    "endless": ("gzip",),
    "lying_small": ("gzip", "zstd", "lz4", "snappy"),
    "lying_huge": ("zstd", "lz4", "snappy"),
    "wide_window": ("zstd",),
    "empty_blocks": ("gzip", "zstd", "deflate"),
    "padding": ("zstd", "lz4", "snappy"),
}
"""Stated here as well as in the adapter, which would import every codec to look at a config."""


def decode_mistakes(config: RunConfig) -> Iterator[Mistake]:
    decode = config.decode
    if decode.codec is Codec.none:
        if decode.bombs.every is not None:
            why = "bombs come in compressed envelopes: choose decode=gzip, zstd, lz4, snappy or deflate"
            yield Mistake("decode.bombs.every", shown(decode.bombs.every), why)
        return
    codec = decode.codec.value
    if config.clock is ClockKind.simulated:
        why = "needs clock=live: simulated items have sizes but no bytes, so there is nothing to compress or inflate"
        yield Mistake("decode.codec", codec, f"{why} (none is allowed)")
    if isinstance(config.load, SaturateLoad):
        why = "can't be combined with load=saturate: envelopes have due times, and a saturating load has none"
        yield Mistake("decode.codec", codec, f"{why} (none is allowed)")
    if isinstance(config.payload, RandomPayload):
        why = "has line ends within items, and an envelope holds one item a line: payload=json_event or payload=lines"
        yield Mistake("payload", "random", why)
    yield from _caps(decode, config)
    yield from _bombs(decode, codec)


def _caps(decode: DecodeConfig, config: RunConfig) -> Iterator[Mistake]:
    """Caps that no envelope of the run itself could pass."""
    count = decode.items_per_envelope
    if decode.max_items is not None and count > decode.max_items:
        why = f"is more than decode.max_items={decode.max_items}: every envelope would be rejected"
        yield Mistake("decode.items_per_envelope", shown(count), why)
    if not isinstance(config.payload, JsonEventPayload):
        return
    size = config.payload.size_bytes
    if decode.max_item_bytes is not None and size > decode.max_item_bytes:
        why = f"is less than one payload (payload.size_bytes={size}): every envelope would be rejected"
        yield Mistake("decode.max_item_bytes", shown(decode.max_item_bytes), why)
    if decode.max_inflated_bytes is not None and count * (size + 1) > decode.max_inflated_bytes:
        why = f"is less than an envelope inflates to ({count} items of about {size} bytes): every one would be rejected"
        yield Mistake("decode.max_inflated_bytes", shown(decode.max_inflated_bytes), why)


def _bombs(decode: DecodeConfig, codec: str) -> Iterator[Mistake]:
    there = [name for name, codecs in SHAPES.items() if codec in codecs]
    for index, shape in enumerate(decode.bombs.shapes):
        key = f"decode.bombs.shapes[{index}]"
        if shape not in SHAPES:
            yield Mistake(key, shape, f"no such shape{did_you_mean(shape, there)}: {', '.join(there)}")
        elif shape not in there:
            yield Mistake(key, shape, f"not with {codec}: there is {', '.join(there)}")
