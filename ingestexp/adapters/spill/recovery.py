"""What a process that died left in its spill folder: taken up again, or only read.

Must live here: from files to a queue (`recover`), from files to items (`recovered_items`). Must not: the format.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

from ingestexp.adapters.spill.errors import SpillBroken, SpillDamaged
from ingestexp.adapters.spill.framing import HEADER_BYTES, decode
from ingestexp.adapters.spill.queue import SEGMENT_BYTES, SpillQueue
from ingestexp.adapters.spill.segment_file import LOCK_NAME, SegmentFile, lock_folder, sync_folder, wrong
from ingestexp.adapters.spill.segments import Reader, TornTail, frames, segment_paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestexp.spill_port import Stretch


def recover(folder: Path, max_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> SpillQueue:
    """A queue with everything that was accepted and not released, in order; `torn` tells what was cut off the end.

    Every checksum is looked at. Raises SpillDamaged (file and byte), SpillLocked, SpillBroken; on any of them the
    files are as they were.
    """
    queue = SpillQueue(folder, max_bytes, segment_bytes, recovering=True)
    try:
        segments: list[SegmentFile] = []
        torn: TornTail | None = None
        paths = segment_paths(folder)
        for number, path in paths:
            segment, torn = _looked_through(path, number, is_last=number == paths[-1][0])
            segments.append(segment)
        if torn is not None:
            _cut_off(torn)
        if segments and not segments[-1].items:
            segments.pop().delete()
        queue.adopt(segments, torn)
    except BaseException:
        queue.close()
        raise
    return queue


def _looked_through(path: Path, number: int, is_last: bool) -> tuple[SegmentFile, TornTail | None]:
    items = end = 0
    with closing(Reader(path, number)) as reader:
        for header in frames(reader, is_last):
            items += header.items
            end = header.at_bytes + HEADER_BYTES + header.body_bytes
        left = reader.size_bytes - end
    return SegmentFile(path, number, items, end), TornTail(path, end, left) if left else None


def _cut_off(torn: TornTail) -> None:
    """Durably, before anything is appended behind it."""
    try:
        fd = os.open(torn.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(fd, torn.at_bytes)
            os.fsync(fd)
        finally:
            os.close(fd)
        sync_folder(torn.path.parent)
    except OSError as error:
        raise wrong(torn.path, error) from None


def recovered_items(folder: Path) -> Iterator[Stretch]:
    """Every item that was accepted and not released, oldest first, a stretch of at most a frame at a time.

    Changes nothing: a torn tail is passed over. Raises SpillDamaged, SpillLocked (a process still spills into the
    folder), SpillBroken (no such folder).
    """
    if not folder.is_dir():
        raise SpillBroken(f"{folder}: there is no such folder")
    lock_fd = lock_folder(folder) if (folder / LOCK_NAME).exists() else -1
    try:
        paths = segment_paths(folder)
        for number, path in paths:
            with closing(Reader(path, number)) as reader:
                for header in frames(reader, is_last=number == paths[-1][0]):
                    body = reader.piece(header.at_bytes + HEADER_BYTES, header.body_bytes, reader.size_bytes)
                    stretches = decode(header, body)
                    if stretches is None:
                        raise SpillDamaged(path, header.at_bytes, "its columns contradict one another")
                    yield from stretches
    finally:
        if lock_fd >= 0:
            os.close(lock_fd)


def torn_tail(folder: Path) -> TornTail | None:
    """What was being written at the end of a folder that nobody spills into, and was never accepted. Changes nothing.

    Raises SpillDamaged, SpillBroken.
    """
    paths = segment_paths(folder)
    return _looked_through(paths[-1][1], paths[-1][0], is_last=True)[1] if paths else None
