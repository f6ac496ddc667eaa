"""What can go wrong with a spill, in words meant for the user.

Must live here: the errors and what they name. Must not: when they are raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.spill_port import SpillDiskFull, SpillError

if TYPE_CHECKING:
    from pathlib import Path


__all__ = ["SpillBroken", "SpillDamaged", "SpillDiskFull", "SpillError", "SpillLocked"]


class SpillDamaged(SpillError):
    """Bytes that were accepted can't be read any more. `path` and `at_bytes` tell where."""

    def __init__(self, path: Path, at_bytes: int, why: str) -> None:
        super().__init__(f"{path}: damaged at byte {at_bytes:,}: {why}")
        self.path = path
        self.at_bytes = at_bytes


class SpillLocked(SpillError):
    """Another process uses the folder."""


class SpillBroken(SpillError):
    """The operating system refuses to go on (a write or a flush failed)."""
