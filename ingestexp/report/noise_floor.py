"""What difference this host makes out of nothing, as the doctor measured it: a line for under every comparison.

Must live here: finding doctor.json and the words. Must not: measuring (`doctor`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.fingerprint import differing

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_NAME: Final = "doctor.json"
UNKNOWN: Final = "noise floor unknown: python -m ingestexp.doctor"


def noise_floor_line(folder: Path, host: dict[str, Any]) -> str:
    """For a comparison of what lies in `folder` and was measured on `host` (a manifest's facts)."""
    facts = next(_examinations(folder), None)
    if facts is None:
        return UNKNOWN
    floor, when = facts["noise_floor"], str(facts.get("examined_at", ""))[:10]
    if not floor:
        return f"noise floor unknown (the doctor of {when} left the pairs out): python -m ingestexp.doctor"
    try:
        p99, rate = floor["p99"], floor["throughput"]
        line = (
            f"Δp99 ≥ {p99['resolves']:.2g} ms ({p99['resolves_ratio']:.0%}), throughput ≥ {rate['resolves_ratio']:.0%}"
        )
    except (KeyError, TypeError, ValueError):
        return UNKNOWN
    examined = facts.get("host") or {}
    other = differing(host, examined)
    unlike = f" - of another host than these runs' (differs: {', '.join(other)})" if other else ""
    return f"noise floor (doctor, {when}): {line}{unlike}"


def _examinations(folder: Path) -> Iterator[dict[str, Any]]:
    """Beside the runs, from their folder up to `runs`; then the current folder's `runs`."""
    start = folder.absolute()
    for place in (start, *start.parents):
        yield from _read(place / FILE_NAME)
        if place.name == "runs":
            break
    yield from _read(Path("runs") / FILE_NAME)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if isinstance(facts, dict) and "noise_floor" in facts:
        yield facts
