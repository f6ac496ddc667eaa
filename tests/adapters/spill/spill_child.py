"""A process that spills, takes back and releases, and says each only after it is so: to be killed, to be traced.

    python -m tests.adapters.spill.spill_child FOLDER SEED GROUPS

On stdout one line, by one write(2): `accepted END` (all ids below are), `releasing END`, `released END`.
On stderr `MARK begin` and
`MARK end` around it all.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from ingestexp.adapters.spill.queue import SpillQueue
from tests.adapters.spill.stretches import stretch

SEGMENT_BYTES = 20_000


def main(folder: str, seed: str, groups: str) -> None:
    rng = random.Random(int(seed))
    queue = SpillQueue(Path(folder), 1 << 30, SEGMENT_BYTES)
    end = released = accepted = 0
    os.write(2, b"MARK begin\n")
    for _ in range(int(groups)):
        for _ in range(rng.randint(1, 3)):
            count = rng.randint(1, 40)
            queue.append([stretch(end, [rng.randint(0, 200) for _ in range(count)])])
            end += count
        accepted += queue.sync()
        os.write(1, f"accepted {accepted}\n".encode())
        if rng.random() < 0.5:
            taken = queue.take(rng.randint(1, 100))
            released += sum(len(part.payloads) for part in taken)
            os.write(1, f"releasing {released}\n".encode())
            for part in taken:
                queue.release(part.segment, len(part.payloads))
            os.write(1, f"released {released}\n".encode())
    os.write(2, b"MARK end\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
