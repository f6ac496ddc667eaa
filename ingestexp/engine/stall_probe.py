"""How long the host let a process wait that wanted to run, or a disk: the reader of the stall probe.

Must live here: starting and ending the probe's process, reading its ring. Must not: the loop (`stall_watch`), judging.

A process, not a thread: a thread would also measure this interpreter's lock.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from ingestexp.engine.stall_watch import RING, SHARED_BYTES

_PROGRAM: Final = Path(__file__).with_name("stall_watch.py")
_CORE, _DISK = 0, 1


def disk_stat(folder: Path) -> Path | None:
    """The counters of the block device below a folder, or below the nearest parent that is there.

    None where the file system lies on no single device (tmpfs, overlay, btrfs, a network's).
    """
    while not folder.exists():
        folder = folder.parent
    device = folder.stat().st_dev
    found = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return found if os.access(found, os.R_OK) else None


class StallProbe:
    """Started at once, never waited for. Where it can't be started there is nothing to read: None, not an error.

    It inherits the affinity of the thread that makes it. Not thread-safe.
    """

    def __init__(self, disk: Path | None = None, program: Path = _PROGRAM) -> None:
        """`disk`: a block device's counters, see `disk_stat`; None: only cores are watched."""
        self._process: subprocess.Popen[bytes] | None = None
        self._shared: mmap.mmap | None = None
        self._ring: memoryview | None = None
        self._read = [0, 0]
        self._disk = disk
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._start(program)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def max_ns(self) -> int | None:
        """The longest stall that ended since the last look; None where nobody woke in between (or nobody watches)."""
        return self._longest(_CORE)

    def disk_max_ns(self) -> int | None:
        """How long the disk had stood still at most, since the last look: also a stall that goes on. None as above."""
        return None if self._disk is None else self._longest(_DISK)

    def _longest(self, which: int) -> int | None:
        if self._ring is None:
            return None
        wakes = self._ring[0]
        unread = min(wakes - self._read[which], RING)
        self._read[which] = wakes
        first = 1 + which * RING
        return max((self._ring[first + (wakes - 1 - back) % RING] for back in range(unread)), default=None)

    def close(self) -> None:
        """Ends the process; after this there is nothing to read."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._ring is not None:
            self._ring.release()
            self._ring = None
        if self._shared is not None:
            self._shared.close()
            self._shared = None

    def _start(self, program: Path) -> None:
        descriptor = os.memfd_create("ingestexp-stalls", os.MFD_CLOEXEC)
        try:
            os.ftruncate(descriptor, SHARED_BYTES)
            self._shared = mmap.mmap(descriptor, SHARED_BYTES)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(program), str(descriptor), str(os.getpid()), str(self._disk or "")],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
            )
            self._ring = memoryview(self._shared).cast("Q")
        finally:
            os.close(descriptor)
