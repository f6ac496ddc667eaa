"""A process that writes batches to a sink and says after each that it is acknowledged: to be killed, traced, starved.

The workers take turns on one thread, so every connection writes, and the order of calls is plain to see.

    python -m tests.contracts.sink_child module:Class '{"workers": 1}' PATH BATCHES ITEMS [FILE_LIMIT_BYTES]

On stdout one line a batch, by one write(2): `ack FIRST END`. At the end a line of JSON with the sink's counters and
the process's own from /proc/self/io, or `broken MESSAGE` (exit 3). On stderr `MARK begin` and `MARK end` around it all.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
from pathlib import Path

from ingestexp.ports import Sink, SinkBroken
from tests.contracts.batches import json_batch

COUNTERS = ("commits", "fsyncs", "syscalls", "wire_bytes")


def main(target: str, arguments: str, path: str, batches: str, items: str, file_limit_bytes: str = "") -> int:
    module, _, name = target.partition(":")
    known = json.loads(arguments)
    sink: Sink = getattr(importlib.import_module(module), name)(path=Path(path), **known)
    sink.open()
    count = int(items)
    totals = dict.fromkeys((*COUNTERS, "ack_count", "ack_bytes"), 0)
    prepared = [json_batch(number * count, count) for number in range(min(int(batches), 200))]
    if file_limit_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_limit_bytes),) * 2)
    os.write(2, b"MARK begin\n")
    before = own_io()
    for number in range(int(batches)):
        first = number * count
        batch = prepared[number] if number < len(prepared) else json_batch(first, count)
        try:
            settled = sink.write(batch, number % known["workers"])
        except SinkBroken as error:
            os.write(1, f"broken {error}\n".encode())
            sink.close()
            return 3
        line = f"ack {first} {first + count}\n".encode()
        os.write(1, line)
        for counter in COUNTERS:
            totals[counter] += getattr(settled, counter)
        totals["ack_count"] += 1
        totals["ack_bytes"] += len(line)
    after = own_io()
    os.write(2, b"MARK end\n")
    totals["own_syscalls"] = after["syscw"] - before["syscw"]
    totals["own_bytes"] = after["wchar"] - before["wchar"]
    os.write(1, json.dumps(totals).encode() + b"\n")
    sink.close()
    return 0


def own_io() -> dict[str, int]:
    """The kernel's count for this whole process; zeros where it keeps none."""
    counts = Path("/proc/self/io")
    if not counts.exists():
        return {"syscw": 0, "wchar": 0}
    lines = counts.read_text().splitlines()
    return {name: int(value) for name, value in (line.split(": ") for line in lines)}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
