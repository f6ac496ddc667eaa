"""The append-only log: framed records, one fdatasync a batch.

Must live here: the file, its lock, its errors. Must not: the record format (`log_framing`).
"""

from __future__ import annotations

import mmap
import os
import threading
from typing import TYPE_CHECKING

import numpy as np

from ingestexp.adapters.sinks.log_framing import DamagedLogError, Scan, frame, scan
from ingestexp.ports import Settled, SinkBroken, SinkError, SinkUnavailable, payload_slices

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.core.batch import Batch
    from ingestexp.ports import Int64s


class LogFileSink:
    """One file for all workers, appended to under a lock; `write` returns after `fdatasync`.

    Idempotent by its reader: the log itself only grows, so a batch that is sent again after an attempt of unknown
    outcome stands there twice. The last record of an id counts, `read_back` names each id once, and `repeats` says
    how many records it passed over, `ignored_tail_bytes` how long a torn tail was (both None before `read_back`).
    """

    name = "log_file"
    durable = True
    simulated = False

    def __init__(self, path: Path, workers: int, resume: bool = False) -> None:
        """`resume`: go on with a log that holds records; a torn tail is cut off first."""
        self._resume = resume
        self.repeats: int | None = None
        self.ignored_tail_bytes: int | None = None
        self._path = path
        self._workers = workers
        self._fd = -1
        self._end_bytes = 0
        self._appending = threading.Lock()

    def open(self) -> None:
        """Creates the file and makes its name durable (fsync of the folder).

        Refuses a file that holds anything, unless it may go on with it.
        """
        if self._fd >= 0:
            return
        if not self._path.parent.is_dir():
            raise SinkUnavailable(f"sink.path={self._path}: the folder {self._path.parent} does not exist")
        try:
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise SinkUnavailable(f"sink.path={self._path}: cannot be opened for writing: {error.strerror}") from None
        try:
            self._end_bytes = self._claim(fd)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd

    def _claim(self, fd: int) -> int:
        """The size of what is kept, bytes."""
        held = os.fstat(fd).st_size
        if held and self._resume:
            try:
                held = self._scan()[0].sound_bytes
            except SinkError as error:
                raise SinkUnavailable(str(error)) from None
            os.ftruncate(fd, held)
        elif held:
            raise SinkUnavailable(
                f"sink.path={self._path} already holds {held:,} bytes of an earlier run: "
                "choose another path, remove the file, or leave sink.path out (each run then gets its own)"
            )
        try:
            os.fsync(fd)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise SinkUnavailable(f"sink.path={self._path}: cannot be made durable: {error.strerror}") from None
        return held

    def write(self, batch: Batch, worker: int) -> Settled:
        """Appends the batch and flushes it to the device. Raises SinkBroken; nothing of the batch stays behind then."""
        parts = [frame(first, payloads.to_pylist()) for first, _, payloads in payload_slices(batch)]
        buffer = parts[0] if len(parts) == 1 else b"".join(parts)
        with self._appending:
            if self._fd < 0:
                raise SinkBroken(f"sink.path={self._path}: not open")
            try:
                syscalls = _write_all(self._fd, buffer)
                os.fdatasync(self._fd)
            except OSError as error:
                # After a failed flush the page cache can't be trusted to hold what it failed to write: never retry.
                self._cut_back()
                raise SinkBroken(f"sink.path={self._path}: {error.strerror}; the log cannot go on") from None
            self._end_bytes += len(buffer)
        return Settled(commits=1, fsyncs=1, syscalls=syscalls, wire_bytes=len(buffer))

    def _cut_back(self) -> None:
        """Takes a partly written batch off the end. If even that fails, the reader stops at the torn tail."""
        try:
            os.ftruncate(self._fd, self._end_bytes)
        except OSError:
            return

    def close(self) -> None:
        with self._appending:
            fd, self._fd = self._fd, -1
            if fd >= 0:
                os.close(fd)

    def read_back(self) -> Int64s:
        """Each id once, ascending. A torn tail ends the reading; damage before sound records raises SinkError."""
        found, size = self._scan()
        ids = np.unique(found.ids)
        self.repeats = len(found.ids) - len(ids)
        self.ignored_tail_bytes = size - found.sound_bytes
        return ids

    def _scan(self) -> tuple[Scan, int]:
        """(the records, the file's size). Raises SinkError."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SinkError(f"sink.path={self._path}: cannot be read back: {error.strerror}") from None
        try:
            size = os.fstat(fd).st_size
            log = memoryview(mmap.mmap(fd, size, access=mmap.ACCESS_READ)) if size else memoryview(b"")
        finally:
            os.close(fd)
        try:
            return scan(log), size
        except DamagedLogError as error:
            raise SinkError(f"sink.path={self._path}: {error}: the log is corrupt") from None

    def describe(self) -> dict[str, object]:
        about: dict[str, object] = {
            "durability": "appended and fdatasync'ed before every acknowledgement; the folder fsynced at open",
            "path": str(self._path),
            "workers": f"{self._workers}, one file, one append at a time",
            "idempotency": "by the reader: the last record of an id counts",
            "counters": "exact: the sink's own calls",
        }
        if self.repeats is not None:
            about["repeats"] = self.repeats
            about["ignored_tail_bytes"] = self.ignored_tail_bytes
        return about


def _write_all(fd: int, buffer: bytes) -> int:
    """Write calls needed: more than one after a short write. EINTR is Python's to retry (PEP 475)."""
    written = os.write(fd, buffer)
    calls = 1
    if written < len(buffer):
        rest = memoryview(buffer)
        while written < len(buffer):
            written += os.write(fd, rest[written:])
            calls += 1
    return calls
