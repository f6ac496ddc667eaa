"""One segment file: its name, its sound frames, where its torn tail begins.

Must live here: reading a file that may hold anything, in bounded memory. Must not: writing, the order of segments.
"""

from __future__ import annotations

import itertools
import os
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestexp.adapters.spill.errors import SpillBroken, SpillDamaged
from ingestexp.adapters.spill.framing import HEADER_BYTES, MAGIC, Header, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ_BYTES: Final = 1 << 20
_NAME: Final = re.compile(r"(\d{6,})\.spill")


@dataclass(slots=True, frozen=True)
class TornTail:
    """The end of a file that was being written when its process died: cut off, nobody was told it was accepted."""

    path: Path
    at_bytes: int
    nbytes: int

    def __str__(self) -> str:
        return f"{self.path.name}: a torn tail of {self.nbytes:,} bytes at byte {self.at_bytes:,}"


class Reader:
    """Reads pieces of one file through a window, so that small frames don't cost a system call each."""

    def __init__(self, path: Path, number: int) -> None:
        """Raises SpillBroken."""
        self.path = path
        self.number = number
        self._window = memoryview(b"")
        self._window_at = 0
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self.size_bytes = os.fstat(self._fd).st_size
        except OSError as error:
            raise SpillBroken(f"{path}: cannot be read: {error.strerror}") from None

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def header(self, at_bytes: int, end_bytes: int) -> Header | None:
        """The frame that begins at `at_bytes` and ends by `end_bytes`; None: there is none."""
        if end_bytes - at_bytes < HEADER_BYTES:
            return None
        found = read_header(self.piece(at_bytes, HEADER_BYTES, end_bytes), self.number, at_bytes)
        if found is None or found.body_bytes > end_bytes - at_bytes - HEADER_BYTES:
            return None
        return found

    def piece(self, at_bytes: int, nbytes: int, end_bytes: int) -> memoryview:
        """`nbytes` bytes from `at_bytes` on (fewer where the file is shorter); looks ahead to `end_bytes` at most."""
        low = at_bytes - self._window_at
        if low < 0 or low + nbytes > len(self._window):
            self._window = self._read(at_bytes, max(nbytes, min(READ_BYTES, end_bytes - at_bytes)))
            self._window_at = at_bytes
            low = 0
        return self._window[low : low + nbytes]

    def _read(self, at_bytes: int, nbytes: int) -> memoryview:
        buffer = memoryview(bytearray(nbytes))
        done = 0
        try:
            while done < nbytes:
                got = os.preadv(self._fd, [buffer[done:]], at_bytes + done)
                if not got:
                    break
                done += got
        except OSError as error:
            raise SpillBroken(f"{self.path}: cannot be read: {error.strerror}") from None
        return buffer[:done]

    def body_holds(self, header: Header) -> bool:
        """The body's checksum is right. Read piece by piece: a body may be as long as the file."""
        at, left, crc = header.at_bytes + HEADER_BYTES, header.body_bytes, 0
        while left:
            piece = self.piece(at, min(left, READ_BYTES), at + left)
            if not piece:
                return False
            crc = zlib.crc32(piece, crc)
            at += len(piece)
            left -= len(piece)
        return crc == header.body_crc


def segment_number(name: str) -> int | None:
    """Of a file name like 000012.spill; None for any other file."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.spill"


def segment_paths(folder: Path) -> list[tuple[int, Path]]:
    """(number, path) of the segments in order. Raises SpillDamaged where one is missing between two others."""
    numbers = {segment_number(entry.name): entry for entry in folder.iterdir()}
    found = sorted((number, path) for number, path in numbers.items() if number is not None)
    for (before, _), (number, path) in itertools.pairwise(found):
        if number != before + 1:
            raise SpillDamaged(path, 0, f"{before + 1:06d}.spill, which comes before it, is missing")
    return found


def frames(reader: Reader, is_last: bool) -> Iterator[Header]:
    """The sound frames in order; ends at the end of the file or at a torn tail (only the last segment may have one).

    Raises SpillDamaged at a frame that is not sound though it was accepted: in a segment that another follows, or
    before a place that a later header calls durable.
    """
    at = 0
    while at < reader.size_bytes:
        header = reader.header(at, reader.size_bytes)
        if header is None or not reader.body_holds(header):
            if not is_last:
                raise SpillDamaged(reader.path, at, "no sound frame, and other segments follow")
            later = _vouched_for(reader, at)
            if later is not None:
                raise SpillDamaged(reader.path, at, f"no sound frame, and a sound header follows at byte {later:,}")
            return
        yield header
        at += HEADER_BYTES + header.body_bytes


def _vouched_for(reader: Reader, at_bytes: int) -> int | None:
    """Where behind `at_bytes` a header stands that was written when that place was already durable; None: nowhere."""
    start, size = at_bytes + 1, reader.size_bytes
    while start + HEADER_BYTES <= size:
        piece = reader.piece(start, min(READ_BYTES, size - start), size)
        octets = bytes(piece)
        place = octets.find(MAGIC)
        while place >= 0:
            found = read_header(reader.piece(start + place, HEADER_BYTES, size), reader.number, start + place)
            if found is not None and found.durable_bytes > at_bytes:
                return start + place
            place = octets.find(MAGIC, place + 1)
        if len(octets) < len(MAGIC):
            return None
        start += len(octets) - len(MAGIC) + 1
    return None
