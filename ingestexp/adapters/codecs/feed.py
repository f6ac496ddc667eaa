"""Compressed bytes, read forward and only once.

Must live here: slices, what was read too far, exact reads. Must not: a format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.adapters.codecs.meter import Meter

SLICE_BYTES: Final = 1 << 14
"""What a library is given at a time: it may keep a copy of what it could not use yet."""


class Feed:
    """What a format reads from: a body's slices, or the chunks that came out one level above."""

    body: bytes | None = None
    """All of it, where it is there as a whole."""

    def __init__(self, parts: Iterator[memoryview] | Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = memoryview(b"")

    @classmethod
    def of_body(cls, body: bytes, meter: Meter) -> Feed:
        """The body from its start; the meter counts what has been read."""
        feed = cls(_slices(body, meter))
        feed.body = body
        return feed

    def some(self) -> memoryview:
        """The next bytes, as they come; empty at the end."""
        rest = self._rest
        if len(rest):
            self._rest = rest[:0]
            return rest
        for part in self._parts:
            if len(part):
                return memoryview(part)
        return rest

    def give_back(self, rest: bytes | memoryview) -> None:
        """Bytes of the last `some` that belong to what follows."""
        self._rest = memoryview(rest)

    def up_to(self, nbytes: int) -> bytes:
        """The next `nbytes` bytes; fewer only where the input ends."""
        rest = self._rest
        if len(rest) >= nbytes:
            self._rest = rest[nbytes:]
            return bytes(rest[:nbytes])
        parts, missing = [], nbytes
        while missing and len(part := self.some()):
            parts.append(part[:missing])
            self._rest = part[missing:]
            missing -= len(parts[-1])
        return b"".join(parts)

    def peek(self, nbytes: int) -> bytes:
        """The next `nbytes` bytes without reading them; fewer only where the input ends."""
        head = self.up_to(nbytes)
        self._rest = memoryview(head + bytes(self.some()))
        return head

    def skip(self, nbytes: int) -> bool:
        """Pass over bytes; False where the input ends before."""
        while nbytes and len(part := self.some()):
            self._rest = part[nbytes:]
            nbytes -= min(nbytes, len(part))
        return not nbytes

    def at_end(self) -> bool:
        if not len(self._rest):
            self._rest = self.some()
        return not len(self._rest)


def _slices(body: bytes, meter: Meter) -> Iterator[memoryview]:
    view = memoryview(body)
    for start in range(0, len(view), SLICE_BYTES):
        part = view[start : start + SLICE_BYTES]
        meter.consumed_bytes += len(part)
        yield part
