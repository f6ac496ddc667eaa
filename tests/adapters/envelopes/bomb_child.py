"""A child process that makes bombs and decodes them, and says what its memory did meanwhile.

Must live here: the child and how to call it. Must not: assertions.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestexp.decode_port import Caps

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[3]
_PEAK: Final = Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class Judged:
    """`reason` "" if the bomb was accepted; `growth_bytes` peak RSS while it was decoded, less the RSS before."""

    codec: str
    shape: str
    body_bytes: int
    reason: str
    inflated_bytes: int
    growth_bytes: int
    took_s: float


def can_measure() -> bool:
    """The kernel lets a process set its own peak RSS back (Linux with CONFIG_PROC_PAGE_MONITOR)."""
    try:
        _PEAK.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def judge_apart(bombs: Sequence[tuple[str, str]], inflated_bytes: int, caps: Caps, timeout_s: float) -> list[Judged]:
    """Decode the bombs (codec, shape), one after the other, in one child."""
    order = {"bombs": list(bombs), "inflated_bytes": inflated_bytes, "caps": dataclasses.asdict(caps)}
    command = [sys.executable, "-m", "tests.adapters.envelopes.bomb_child"]
    child = subprocess.run(
        command, cwd=ROOT, input=json.dumps(order), capture_output=True, text=True, timeout=timeout_s, check=False
    )
    if child.returncode:
        raise RuntimeError(f"the child ended with {child.returncode}: {child.stderr.strip()[-500:]}")
    return [Judged(**line) for line in map(json.loads, child.stdout.splitlines())]


def main() -> None:
    from ingestexp.adapters.codecs.decoder import EnvelopeDecoder
    from ingestexp.adapters.envelopes.bombs import SHAPES
    from ingestexp.adapters.envelopes.sealing import SEAL
    from ingestexp.decode_port import EnvelopeRejected

    order = json.load(sys.stdin)
    caps = Caps(**order["caps"])
    for codec, shape in order["bombs"]:
        decoder = EnvelopeDecoder(codec, caps)
        decoder.decode(SEAL[codec](b"warm-up\n"))
        body = SHAPES[shape][0](codec, order["inflated_bytes"])
        gc.collect()
        _PEAK.write_text("5", encoding="ascii")
        before_bytes, started, reason = _status("VmRSS"), time.perf_counter(), ""
        try:
            inflated_bytes = decoder.decode(body).inflated_bytes
        except EnvelopeRejected as rejected:
            reason, inflated_bytes = rejected.reason, rejected.inflated_bytes
        took_s = time.perf_counter() - started
        growth_bytes = _status("VmHWM") - before_bytes
        judged = Judged(codec, shape, len(body), reason, inflated_bytes, growth_bytes, took_s)
        print(json.dumps(dataclasses.asdict(judged)))


def _status(name: str) -> int:
    """A line of /proc/self/status, bytes."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith(name))) * 1024


if __name__ == "__main__":
    main()
