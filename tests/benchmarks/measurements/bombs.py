"""Decompression bombs of every shape, 10 GB each where the shape has a size: all rejected, in bounded memory."""

from __future__ import annotations

from typing import Final

from ingestexp.adapters.envelopes.bombs import SHAPES
from ingestexp.decode_port import Caps
from tests.adapters.envelopes.bomb_child import Judged, judge_apart
from tests.benchmarks.rows import Row

TIMEOUT_S: Final = 900.0
INFLATED_BYTES: Final = 10_000_000_000
CAP_BYTES: Final = 64 << 20
MARGIN_BYTES: Final = 32 << 20
BY_BYTES_ALONE: Final = ("flat", "concatenated", "nested", "lying_small")
"""Once more with no other cap, and every level inflated: these go on until the byte cap stops them."""


def measure() -> list[Row]:
    everything = [(codec, shape) for shape, (_, codecs) in SHAPES.items() for codec in codecs]
    through = [(codec, shape) for codec, shape in everything if shape in BY_BYTES_ALONE]
    capped = _judge(everything, Caps(max_inflated_bytes=CAP_BYTES))
    by_bytes = _judge(through, Caps(CAP_BYTES, None, None, None, None, 16))
    flat = next(each for each in capped if (each.codec, each.shape) == ("gzip", "flat"))
    return [
        Row.at_least("shapes", "shapes of bombs", len(capped), "", 20),
        _accepted("accepted", "accepted, default caps", capped),
        _growth("growth", "peak RSS growth, default caps and 64 MiB", capped),
        _slowest("slowest", "longest time to reject one, default caps", capped),
        _accepted("accepted_by_bytes", "accepted, nothing but the 64 MiB capped", by_bytes),
        _growth("growth_by_bytes", "peak RSS growth, nothing but the 64 MiB capped", by_bytes),
        _slowest("slowest_by_bytes", "longest time to reject one, nothing but the 64 MiB capped", by_bytes),
        Row("ratio", "gzip bomb: what it would inflate to ÷ its size", INFLATED_BYTES / flat.body_bytes, "×"),
    ]


def _judge(bombs: list[tuple[str, str]], caps: Caps) -> list[Judged]:
    """Each in a process of its own: one bomb's leftovers must not hide another's growth."""
    return [each for bomb in bombs for each in judge_apart([bomb], INFLATED_BYTES, caps, 300)]


def _accepted(slug: str, what: str, judged: list[Judged]) -> Row:
    let_in = [f"{each.codec} {each.shape}" for each in judged if not each.reason]
    return Row.at_most(slug, what, len(let_in), "", 0, ", ".join(let_in))


def _growth(slug: str, what: str, judged: list[Judged]) -> Row:
    worst = max(judged, key=lambda each: each.growth_bytes)
    return Row.at_most(
        slug,
        what,
        worst.growth_bytes / 2**20,
        "MiB",
        (CAP_BYTES + MARGIN_BYTES) / 2**20,
        f"{worst.codec} {worst.shape}",
    )


def _slowest(slug: str, what: str, judged: list[Judged]) -> Row:
    worst = max(judged, key=lambda each: each.took_s)
    return Row(slug, what, worst.took_s * 1e3, "ms", note=f"{worst.codec} {worst.shape}, {worst.body_bytes:,} bytes")
