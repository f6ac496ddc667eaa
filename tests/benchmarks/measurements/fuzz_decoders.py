"""Every decoder against 60,000 damaged bodies: nothing but EnvelopeRejected, no hang, no memory growth."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ingestexp.adapters.codecs.decoder import CODECS, EnvelopeDecoder
from ingestexp.adapters.envelopes.bombs import SHAPES
from ingestexp.decode_port import Caps, EnvelopeRejected
from tests.adapters.codecs.bodies import COMPRESS, codec_of, lines
from tests.benchmarks.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S: Final = 900.0
INPUTS: Final = 60_000
SEED: Final = 20_261_126
MOST_BODY_BYTES: Final = 4_000
CAPS: Final = Caps(max_inflated_bytes=1 << 20, max_nesting=4)


def measure() -> list[Row]:
    rng = np.random.default_rng(SEED)
    crashes: list[str] = []
    tried = accepted = 0
    slowest_s = 0.0
    after_warmup_bytes = _rss_bytes()
    for round_number in range(2):  # the first tenth warms up what allocates once
        if round_number:
            gc.collect()
            after_warmup_bytes = _rss_bytes()
        for codec in CODECS:
            decoder = EnvelopeDecoder(codec, CAPS)
            for body in damaged(codec, rng, INPUTS if round_number else INPUTS // 10):
                started = time.perf_counter()
                try:
                    decoder.decode(body)
                    accepted += 1
                except EnvelopeRejected:
                    pass
                except BaseException as error:  # a panic of a library in Rust is no Exception
                    crashes.append(f"{codec}: {type(error).__name__} on {body.hex()[:80]}")
                slowest_s = max(slowest_s, time.perf_counter() - started)
                tried += 1
    gc.collect()
    growth = (_rss_bytes() - after_warmup_bytes) / 2**20
    return [
        Row.at_least("inputs", "damaged bodies, five codecs", tried, "", 200_000, f"{accepted:,} still decoded"),
        Row.at_most("crashes", "anything but EnvelopeRejected", len(crashes), "", 0, "; ".join(crashes[:3])),
        Row.at_most("slowest", "longest time for one body", slowest_s * 1e3, "ms", 1_000),
        Row.at_most("growth", "RSS growth after the first tenth", growth, "MiB", 16),
    ]


def damaged(codec: str, rng: np.random.Generator, count: int) -> Iterator[bytes]:
    """Good bodies, small bombs and noise, flipped, cut, spliced and with numbers changed."""
    text = lines([b'{"id":%d,"text":"%s"}' % (number, b"ingest " * (number % 9)) for number in range(40)])
    good = [make(text) for made_by, make in COMPRESS.items() if codec_of(made_by) == codec]
    good += [make(body) for made_by, make in COMPRESS.items() if codec_of(made_by) == codec for body in good[:1]]
    bombs = [make(codec, 1 << 20)[:MOST_BODY_BYTES] for make, codecs in SHAPES.values() if codec in codecs]
    seeds = [*good, *good, *bombs]
    for _ in range(count):
        body = bytearray(seeds[rng.integers(len(seeds))])
        for _ in range(rng.integers(1, 5)):
            _damage(body, seeds, rng)
        yield bytes(body)


def _damage(body: bytearray, seeds: list[bytes], rng: np.random.Generator) -> None:
    """One change in place, more often near the start, where headers are."""
    if not body:
        body += rng.bytes(int(rng.integers(1, 40)))
        return
    end = len(body) if rng.random() < 0.5 else min(len(body), 24)
    place = int(rng.integers(end))
    match rng.integers(7):
        case 0:
            body[place] ^= 1 << int(rng.integers(8))
        case 1:
            body[place] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF]))
        case 2:
            width = int(rng.choice([2, 4, 8]))
            body[place : place + width] = int(rng.choice([0, 1, 2**31 - 1, 2**16 - 1])).to_bytes(8, "little")[:width]
        case 3:
            del body[place:]
        case 4:
            del body[place : place + int(rng.integers(1, 20))]
        case 5:
            other = seeds[rng.integers(len(seeds))]
            body[place:place] = other[: int(rng.integers(1, 200))]
        case _:
            body[place:place] = rng.bytes(int(rng.integers(1, 20)))


def _rss_bytes() -> int:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS"))) * 1024
