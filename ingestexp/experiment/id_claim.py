"""Ids that no other redrive into the same store gives to its load, whatever became of it.

Must live here: the file beside the store that says which ids are taken. Must not: what they are for.

A redrive that was killed may have parked items of its own load, with ids that neither the store nor the run it took its
dead letters from knows of. So each takes a billion ids (more than a run may have) before it begins.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

IDS_A_RUN: Final = 1_000_000_000
_DIGITS: Final = 19


class IdClaim:
    """Held while the run lasts: one redrive at a time into a store. The kernel lets go of it when the process ends."""

    def __init__(self, store: Path) -> None:
        self._path = store.with_name(f"{store.name}.next_id")
        self._fd = -1

    def lock(self) -> None:
        """Keep others out. Raises ValueError where one is in, OSError."""
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            store = self._path.name.removesuffix(".next_id")
            raise ValueError(f"another redrive into {store} is going on: wait for its end") from None

    def take(self, at_least: int) -> int:
        """The first of a billion ids that are this run's, none below `at_least`; once it is locked.

        Raises ValueError, OSError.
        """
        said = os.pread(self._fd, _DIGITS, 0).strip()
        if said and not said.isdigit():
            raise ValueError(f"{self._path}: holds no id; if no redrive goes on, remove it")
        first = max(at_least, int(said or 0))
        os.pwrite(self._fd, b"%*d\n" % (_DIGITS, first + IDS_A_RUN), 0)
        os.fsync(self._fd)
        return first

    def release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
