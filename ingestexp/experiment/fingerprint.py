"""By what two hosts are the same: their figures may stand side by side.

Must live here: which facts count, in which words they are told apart. Must not: finding them out (`manifest`), what
follows from a difference (`sweep.resume`, `report.noise_floor`).
"""

from __future__ import annotations

from typing import Any, Final

FINGERPRINT: Final = {
    "cpu_model": "processor",
    "machine": "architecture",
    "cores": "cores in all",
    "cores_allowed": "cores",
    "memory_bytes": "memory",
    "kernel": "kernel",
    "filesystem": "filesystem",
}
"""A fact of the manifest's `host` → its name in words. Not the boot: a restart makes no other host."""


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What tells two hosts apart, in words; empty: they are the same. What one of them did not record can't differ."""
    return [
        words
        for name, words in FINGERPRINT.items()
        if one.get(name) is not None and other.get(name) is not None and one[name] != other[name]
    ]
