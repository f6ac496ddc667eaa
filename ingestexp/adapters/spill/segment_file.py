"""A segment that this process writes, reads to the end and deletes; the lock of the folder.

Must live here: the system calls and what their errors mean. Must not: frames, the queue's order.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import TYPE_CHECKING, Any

from ingestexp.adapters.spill.errors import SpillBroken, SpillDiskFull, SpillError, SpillLocked

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = ".lock"


class SegmentFile:
    """`items` accepted in all, `released_items` of them never needed again, `nbytes` long, `synced_bytes` durable."""

    __slots__ = (
        "_fd",
        "_is_named",
        "items",
        "nbytes",
        "number",
        "path",
        "pending_items",
        "released_items",
        "synced_bytes",
    )

    def __init__(self, path: Path, number: int, items: int = 0, nbytes: int = 0) -> None:
        """A sealed segment: nothing is appended any more."""
        self.path = path
        self.number = number
        self.items = items
        self.pending_items = 0
        self.released_items = 0
        self.nbytes = self.synced_bytes = nbytes
        self._fd = -1
        self._is_named = True

    @classmethod
    def create(cls, path: Path, number: int) -> SegmentFile:
        """A new one, to be appended to. Raises SpillDiskFull, SpillBroken."""
        segment = cls(path, number)
        try:
            segment._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise wrong(path, error) from None
        segment._is_named = False
        return segment

    @property
    def is_done(self) -> bool:
        """Every item in it was released."""
        return self.released_items >= self.items and not self.pending_items and self.items > 0

    def write(self, buffers: list[Any], cut_back_to: tuple[int, int]) -> None:
        """Append the buffers. On an error the file is cut back to (bytes, pending items) as it was before."""
        size = sum(len(buffer) for buffer in buffers)
        try:
            written = os.writev(self._fd, buffers)
            if written < size:
                rest = memoryview(b"".join(buffers))
                while written < size:
                    written += os.write(self._fd, rest[written:])
        except OSError as error:
            self._cut_back(*cut_back_to)
            raise wrong(self.path, error) from None
        self.nbytes += size

    def flush(self) -> None:
        """The data and, the first time, the name. After an error nobody knows what the cache holds: give it up."""
        try:
            os.fdatasync(self._fd)
            if not self._is_named:
                sync_folder(self.path.parent)
                self._is_named = True
        except OSError as error:
            raise wrong(self.path, error) from None

    def give_up_pending(self) -> int:
        """Cut off what was not flushed; returns how many bytes."""
        lost = self.nbytes - self.synced_bytes
        self._cut_back(self.synced_bytes, 0)
        return lost

    def accept(self) -> int:
        """All of it is flushed; returns how many items that are."""
        accepted, self.pending_items = self.pending_items, 0
        self.items += accepted
        self.synced_bytes = self.nbytes
        return accepted

    def _cut_back(self, nbytes: int, pending_items: int) -> None:
        """Raises SpillBroken where even that fails: the bytes that stay could be taken for accepted ones."""
        self.nbytes, self.pending_items = nbytes, pending_items
        try:
            os.ftruncate(self._fd, nbytes)
        except OSError as error:
            raise SpillBroken(f"{self.path}: {error.strerror}; what was half written can't be cut off") from None

    def seal(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def delete(self) -> None:
        """Its name may come back after a power failure: then its items come once more."""
        self.seal()
        self.path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def wrong(path: Path, error: OSError) -> SpillError:
    """The error that says what the operating system meant."""
    words = f"{path}: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return SpillDiskFull(f"{words}; what was spilled before is unharmed")
    return SpillBroken(words)


def lock_folder(folder: Path) -> int:
    """A descriptor that holds the folder's lock until it is closed. Raises SpillLocked, SpillBroken."""
    try:
        fd = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise wrong(folder / LOCK_NAME, error) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise SpillLocked(f"{folder}: another process spills into this folder") from None
    return fd


def remove_empty(folder: Path) -> None:
    """The lock, while it is held, and the folder, unless something else is in it."""
    with contextlib.suppress(OSError):
        if {entry.name for entry in folder.iterdir()} <= {LOCK_NAME}:
            (folder / LOCK_NAME).unlink()
            folder.rmdir()
