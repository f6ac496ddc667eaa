"""What can go wrong with a spill, in words meant for the user.

Must live here: the errors and what they name. Must not: when they are raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class SpillError(Exception):
    """The spill's failure."""


class SpillDamaged(SpillError):
    """Bytes that were accepted can't be read any more. `path` and `at_bytes` tell where."""

    def __init__(self, path: Path, at_bytes: int, why: str) -> None:
        super().__init__(f"{path}: damaged at byte {at_bytes:,}: {why}")
        self.path = path
        self.at_bytes = at_bytes


class SpillDiskFull(SpillError):
    """The device has no room left (or the quota is used up); what was accepted before is unharmed."""


class SpillLocked(SpillError):
    """Another process uses the folder."""


class SpillBroken(SpillError):
    """The operating system refuses to go on (a write or a flush failed)."""
