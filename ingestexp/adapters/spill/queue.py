"""The spill itself: a first-in first-out queue of items in segment files, bounded in file bytes.

Nothing counts as accepted before `sync` returned: it flushes the data (fdatasync) and, for a new segment, its name
(fsync of the folder). One sync serves any number of appends. A segment is deleted, in order, once all its items were
taken and released: until then a crash brings them back, so an id may come twice, and none is lost.

Must live here: the order of segments, what is accepted, taken, released. Must not: the format (`framing`),
what stands in a file after a crash (`segments`, `recovery`).
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from ingestexp.adapters.spill.errors import SpillBroken, SpillDamaged
from ingestexp.adapters.spill.framing import HEADER_BYTES, decode, encode
from ingestexp.adapters.spill.packing import head_of, packed, payload_bytes
from ingestexp.adapters.spill.segment_file import SegmentFile, lock_folder, remove_empty, sync_folder, wrong
from ingestexp.adapters.spill.segments import Reader, segment_path, segment_paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ingestexp.adapters.spill.segments import TornTail
    from ingestexp.spill_port import Stretch

SEGMENT_BYTES: Final = 64 << 20
NEVER: Final = 1 << 62


class SpillQueue:
    """Implements `SpillStore`: one thread may append and sync while another takes and releases.

    `items` are accepted and not taken yet, `nbytes` what all segment files hold.
    """

    def __init__(
        self, folder: Path, max_bytes: int, segment_bytes: int = SEGMENT_BYTES, recovering: bool = False
    ) -> None:
        """Makes the folder where it is missing. Raises SpillLocked, and SpillBroken where it holds segments already
        (`recovery.recover` takes them up: it is `recovering`)."""
        self.items = 0
        self.nbytes = 0
        self.peak_bytes = 0
        self.bytes_written = self.frames_written = self.syncs = 0
        self.torn: TornTail | None = None
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        self._segments: deque[SegmentFile] = deque()
        self._next_number = 0
        self._active: SegmentFile | None = None
        self._reader: Reader | None = None
        self._taking: SegmentFile | None = None
        self._at_bytes = 0
        self._decoded: deque[Stretch] = deque()
        self._lock_fd = self._claim(folder, recovering)
        self._lock = threading.Lock()

    def _claim(self, folder: Path, recovering: bool) -> int:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent)
        except OSError as error:
            raise wrong(folder, error) from None
        lock_fd = lock_folder(folder)
        if not recovering and segment_paths(folder):
            os.close(lock_fd)
            raise SpillBroken(f"{folder}: holds the spill of an earlier run: recover it, or name another folder")
        return lock_fd

    def adopt(self, segments: Sequence[SegmentFile], torn: TornTail | None) -> None:
        """Go on with the (sealed) segments that a process before this one left, oldest first."""
        self._segments.extend(segments)
        self.torn = torn
        self.items = sum(segment.items for segment in segments)
        self.nbytes = self.peak_bytes = sum(segment.nbytes for segment in segments)
        if segments:
            self._next_number = segments[-1].number + 1

    # -- in -------------------------------------------------------------------------------------------

    def append(self, stretches: Sequence[Stretch]) -> int:
        """File bytes written; 0, and nothing is written, where the files would exceed `max_bytes`.

        All of it goes into one segment. Raises SpillDiskFull and SpillBroken: then nothing of it was written, either.
        """
        groups = packed(stretches)
        with self._lock:
            if not groups or self.nbytes + sum(size for _, size in groups) > self._max_bytes:
                return 0
            segment = self._room()
            before = (segment.nbytes, segment.pending_items)
            segment.pending_items += sum(len(each.payloads) for group, _ in groups for each in group)
        for group, _ in groups:
            segment.write(encode(group, segment.number, segment.nbytes, segment.synced_bytes), before)
        written = segment.nbytes - before[0]
        with self._lock:
            self.frames_written += len(groups)
            self.bytes_written += written
            self.nbytes += written
            self.peak_bytes = max(self.peak_bytes, self.nbytes)
        return written

    def sync(self) -> int:
        """Make everything appended durable; returns how many items that accepted.

        Raises SpillDiskFull and SpillBroken: then what was appended since the last sync is gone, the rest unharmed.
        """
        segment = self._active
        if segment is None or not segment.pending_items:
            return 0
        try:
            segment.flush()
        except BaseException:
            with self._lock:
                self.nbytes -= segment.give_up_pending()
            raise
        with self._lock:
            return self._accept(segment)

    def _accept(self, segment: SegmentFile) -> int:
        accepted = segment.accept()
        self.syncs += 1
        self.items += accepted
        return accepted

    def _room(self) -> SegmentFile:
        """The segment to append to: a new one once the last is long enough (which is made durable first)."""
        if self._active is not None and self._active.nbytes >= self._segment_bytes:
            if self._active.pending_items:
                self._active.flush()
                self._accept(self._active)
            self._active.seal()
            self._active = None
        if self._active is None:
            segment = SegmentFile.create(segment_path(self._folder, self._next_number), self._next_number)
            self._next_number += 1
            self._segments.append(segment)
            self._active = segment
        return self._active

    # -- out ------------------------------------------------------------------------------------------

    def take(self, max_items: int, max_bytes: int = NEVER) -> list[Stretch]:
        """The oldest accepted items not taken yet, of one frame at most; one item at least, or [] if there is none.

        Raises SpillDamaged where a file no longer holds what was accepted, SpillBroken where it can't be read.
        """
        with self._lock:
            if not self._decoded and not self._read_frame():
                return []
            return self._taken(max_items, max_bytes)

    def _taken(self, max_items: int, max_bytes: int) -> list[Stretch]:
        taken: list[Stretch] = []
        while self._decoded and max_items:
            head, rest = head_of(self._decoded[0], max_items, max_bytes, not taken)
            if head is None:
                break
            taken.append(head)
            count = len(head.payloads)
            max_items -= count
            max_bytes -= payload_bytes(head.payloads)
            self.items -= count
            if rest is None:
                self._decoded.popleft()
            else:
                self._decoded[0] = rest
                break
        return taken

    def _read_frame(self) -> bool:
        """Decode the next accepted frame; False: there is none."""
        if not self.items:
            return False
        segment = self._taking
        while segment is None or self._at_bytes >= segment.synced_bytes:
            segment = self._next_to_take(segment)
        reader = self._reader or Reader(segment.path, segment.number)
        self._reader = reader
        at, end = self._at_bytes, segment.synced_bytes
        header = reader.header(at, end)
        body = None if header is None else reader.piece(at + HEADER_BYTES, header.body_bytes, end)
        stretches = decode(header, body) if header and body is not None and len(body) == header.body_bytes else None
        if header is None or stretches is None:
            raise SpillDamaged(segment.path, at, "no sound frame where one was accepted")
        self._decoded.extend(stretches)
        self._at_bytes = at + HEADER_BYTES + header.body_bytes
        return True

    def _next_to_take(self, after: SegmentFile | None) -> SegmentFile:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        number = -1 if after is None else after.number
        self._taking = segment = next(each for each in self._segments if each.number > number)
        self._at_bytes = 0
        return segment

    def release(self, segment: int, items: int) -> int:
        """So many items taken from that segment will never be asked for again; returns the file bytes set free."""
        with self._lock:
            return self._released(segment, items)

    def _released(self, segment: int, items: int) -> int:
        freed = 0
        for each in self._segments:
            if each.number == segment:
                each.released_items += items
                break
        while self._segments and self._segments[0].is_done:
            head = self._segments.popleft()
            if head is self._taking and self._reader is not None:
                self._reader.close()
                self._reader = None
            if head is self._active:
                self._active = None
            head.delete()
            freed += head.nbytes
        self.nbytes -= freed
        return freed

    def close(self, tidy: bool = False) -> None:
        """Idempotent. Files stay, what was appended without a sync may or may not; `tidy`: an empty folder goes."""
        if self._reader is not None:
            self._reader.close()
        if self._active is not None:
            self._active.seal()
        fd, self._lock_fd = self._lock_fd, -1
        if fd >= 0:
            if tidy and not self._segments:
                remove_empty(self._folder)
            os.close(fd)

    def describe(self) -> dict[str, object]:
        return {
            "bytes_written": self.bytes_written,
            "frames": self.frames_written,
            "syncs": self.syncs,
            "peak_bytes": self.peak_bytes,
            "left_bytes": self.nbytes,
            "torn_tail": None if self.torn is None else str(self.torn),
            "durability": "fdatasync before an item is let go from memory; the folder fsynced for a new segment",
        }
