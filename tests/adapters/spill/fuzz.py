"""Feeds the reader files that nobody should have written: mutated sound ones, sealed lies, random bytes.

    python -m tests.adapters.spill.fuzz [INPUTS] [SEED]

Must live here: making the inputs, and what every reading of one has to keep to. Prints the outcomes and the growth of
the process; exits 1 where the reader broke its word.
"""

from __future__ import annotations

import random
import resource
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Final

from ingestexp.adapters.spill.errors import SpillDamaged
from ingestexp.adapters.spill.framing import HEADER, HEADER_BYTES, encode
from ingestexp.adapters.spill.recovery import recover, recovered_items
from tests.adapters.spill.stretches import ids, stretch

SLOWEST_S: Final = 5.0
"""Of one input of a few kilobytes: a bound on a hang, not on speed."""


def sound_file(rng: random.Random) -> bytes:
    """A few frames, some of them of one sync."""
    octets = b""
    durable = 0
    for number in range(rng.randint(1, 4)):
        sizes = [rng.choice((0, 1, 7, 60)) for _ in range(rng.randint(1, 6))]
        stretches = [stretch(100 * number, sizes, number, marked=rng.random() < 0.3)]
        octets += b"".join(bytes(buffer) for buffer in encode(stretches, 0, len(octets), durable))
        if rng.random() < 0.7:
            durable = len(octets)
    return octets


def mutated(rng: random.Random, octets: bytes) -> bytes:
    """Bits flipped, pieces cut out, doubled, zeroed, replaced; a header's field set and sealed with right checksums."""
    kind = rng.randrange(8)
    out = bytearray(octets)
    at = rng.randrange(len(out))
    length = rng.randint(1, 80)
    if kind == 0:
        for _ in range(rng.randint(1, 4)):
            out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del out[at:]
    elif kind == 2:
        del out[at : at + length]
    elif kind == 3:
        out[at:at] = out[at : at + length]
    elif kind == 4:
        out[at : at + length] = bytes(min(length, len(out) - at))
    elif kind == 5:
        out[at : at + length] = rng.randbytes(min(length, len(out) - at))
    elif kind == 6:
        return rng.randbytes(rng.randint(0, 400))
    else:
        lie(rng, out)
    return bytes(out)


def lie(rng: random.Random, out: bytearray) -> None:
    """Change the first frame's header or columns and make both checksums right: only the columns can give it away."""
    fields = list(HEADER.unpack_from(out))
    body = bytearray(out[HEADER_BYTES : HEADER_BYTES + fields[9]])
    if rng.random() < 0.5:
        place = rng.randint(2, 9)
        widest = 2 ** (16 if place == 2 else 32 if place < 7 else 64) - 1
        fields[place] = rng.choice((0, 1, 2, 3, 255, widest, widest // 2, rng.randint(0, widest)))
    else:
        at = rng.randrange(len(body))
        body[at : at + 4] = struct.pack("<i", rng.choice((-1, 0, 1, 2**31 - 1, -(2**31))))[: len(body) - at]
    fields[10] = zlib.crc32(body)
    head = HEADER.pack(*fields)
    out[: HEADER_BYTES + len(body)] = head + struct.pack("<I", zlib.crc32(head)) + body


def outcome(folder: Path, octets: bytes) -> str:
    """What the reader makes of it. Any other error than the stated one goes through."""
    path = folder / "000000.spill"
    path.write_bytes(octets)
    try:
        found = ids(recovered_items(folder))
    except SpillDamaged as error:
        assert error.path == path
        assert 0 <= error.at_bytes <= len(octets)
        found = None
    try:
        queue = recover(folder, 1 << 20)
    except SpillDamaged:
        assert found is None, "the two readers agree"
        return "damaged"
    try:
        got: list[int] = []
        while part := queue.take(50):
            got += ids(part)
        assert found is None or got == found, "the two readers agree"
        return "torn" if queue.torn else "sound"
    except SpillDamaged:
        assert found is None, "the two readers agree"
        return "damaged columns"
    finally:
        queue.close()


def run(inputs: int, seed: int) -> tuple[Counter[str], int]:
    """(how many inputs came to what, growth of the peak RSS after the first tenth, bytes)."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    settled_bytes = 0
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as parent:
        folder = Path(parent)
        for number in range(inputs):
            octets = sound_file(rng)
            if rng.random() < 0.97:
                octets = mutated(rng, octets)
            started_s = time.monotonic()
            counts[outcome(folder, octets)] += 1
            assert time.monotonic() - started_s < SLOWEST_S
            if number == inputs // 10:
                settled_bytes = peak_bytes()
            for path in folder.iterdir():
                path.unlink()
    return counts, peak_bytes() - settled_bytes


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    found, growth_bytes = run(
        int(sys.argv[1]) if len(sys.argv) > 1 else 200_000, int(sys.argv[2]) if sys.argv[2:] else 1
    )
    print(f"{sum(found.values()):,} inputs: {dict(found)}; peak memory grew by {growth_bytes / 2**20:.1f} MiB")
