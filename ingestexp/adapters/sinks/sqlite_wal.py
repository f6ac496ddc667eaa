"""SQLite's write-ahead log: when to checkpoint, and what a commit and a checkpoint cost in calls.

Must live here: the accounting of the WAL's writes and flushes. Must not: rows, transactions, user errors.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Final

from ingestexp.adapters.sinks.thread_io import ThreadIo

if TYPE_CHECKING:
    from pathlib import Path

CHECKPOINT_FRAMES: Final = 1000
"""SQLite's own default for `wal_autocheckpoint`, pages."""
_FRAME_HEADER_BYTES: Final = 24
_GENERATION: Final = (12, 12)
"""Length and place, in the WAL's header, of checkpoint sequence and salts: another value means the WAL began anew."""


class WalMeter:
    """Counts one writer at a time (the sink holds its lock), and runs the checkpoints that SQLite would run itself.

    SQLite checkpoints inside the COMMIT that takes the WAL past 1000 pages, and nothing tells that it did. So its
    automatic checkpoint is off, and the same one (PASSIVE, at the same size, by the worker that committed, before
    `write` returns) is asked for here, where its flushes can be counted:

    - a commit flushes the WAL once; the first one after a complete checkpoint also writes the WAL's header and
      flushes that (seen by the header's change);
    - a checkpoint that has anything to move flushes the WAL, and the database if it moved all of it.

    Write calls and bytes are the kernel's own count for this thread. Where that is not to be had, `exact` is False,
    SQLite checkpoints as it pleases, and all three counters stay 0.
    """

    def __init__(self, database: Path) -> None:
        self.exact = ThreadIo.available()
        self._wal = database.with_name(database.name + "-wal")
        self._io = ThreadIo()
        self._fd = -1
        self._frame_bytes = 4096 + _FRAME_HEADER_BYTES
        self._frames = 0
        self._moved_frames = 0
        self._generation = b""
        self._started = (0, 0)

    def open(self, connection: sqlite3.Connection) -> None:
        """Begin to count; the WAL exists by now (a commit made it). Raises OSError, sqlite3.Error."""
        if not self.exact:
            return
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        self._frame_bytes = page_bytes + _FRAME_HEADER_BYTES
        # SQLite keeps no POSIX lock on the WAL (it does on its other files) that closing our descriptor would drop.
        self._fd = os.open(self._wal, os.O_RDONLY | os.O_CLOEXEC)
        self._generation = os.pread(self._fd, *_GENERATION)
        self._frames = self._moved_frames = 0

    def start(self) -> None:
        """A write begins on this thread."""
        if self.exact:
            self._started = self._io.read()

    def committed(self, connection: sqlite3.Connection) -> tuple[int, int, int]:
        """A commit went through: (fsyncs, write calls, bytes written) since `start`, a due checkpoint's included."""
        if not self.exact:
            return 0, 0, 0
        fsyncs = 1
        calls, written = self._io.read()
        generation = os.pread(self._fd, *_GENERATION)
        if generation != self._generation:
            self._generation = generation
            self._frames = self._moved_frames = 0
            fsyncs += 1
        self._frames += (written - self._started[1]) // self._frame_bytes
        if self._frames >= CHECKPOINT_FRAMES:
            fsyncs += self._checkpoint(connection)
            calls, written = self._io.read()
        return fsyncs, calls - self._started[0], written - self._started[1]

    def _checkpoint(self, connection: sqlite3.Connection) -> int:
        """Flushes made. A reader elsewhere may hold pages back: then the next commit tries again, as SQLite does."""
        try:
            _, frames, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error:
            # The batch is durable whatever becomes of the checkpoint: the WAL grows on, a full disk will fail a commit.
            return 0
        progressed = int(moved > self._moved_frames)
        complete = bool(moved == frames)
        self._moved_frames = moved
        if complete:
            self._frames = 0
        return 2 * progressed if complete else progressed

    def close(self) -> None:
        self._io.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
