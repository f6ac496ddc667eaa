"""What a child says until it is gone: lines of JSON for us, stderr for the user.

Must live here: reading both pipes without being held up by either. Must not: what the words mean.
"""

from __future__ import annotations

import json
import os
import selectors
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK_BYTES: Final = 1 << 16
_KEPT_BYTES: Final = 8192


class Relay:
    """`said`: the end of stderr; `result`: how the run ended by its own word, None if it had none."""

    def __init__(self) -> None:
        self.ended = False
        self.result: dict[str, Any] | None = None
        self._errors = b""
        self._answers = b""

    @property
    def said(self) -> str:
        return self._errors.decode("utf-8", "replace")

    def until_ended(self, pid: int, answers: IO[bytes], errors: IO[bytes]) -> Iterator[dict[str, Any]]:
        """Its messages, but for the result, as they come. What it has left running may keep the pipes open."""
        ended = os.pidfd_open(pid)
        try:
            with selectors.DefaultSelector() as selector:
                for descriptor in (answers.fileno(), errors.fileno()):
                    os.set_blocking(descriptor, False)
                    selector.register(descriptor, selectors.EVENT_READ)
                selector.register(ended, selectors.EVENT_READ)
                while not self.ended:
                    self.ended = any(key.fd == ended for key, _ in selector.select())
                    for key in [key for key in selector.get_map().values() if key.fd != ended]:
                        if not self._take(key.fd, errors.fileno()):
                            selector.unregister(key.fd)
                    yield from self._messages()
        finally:
            os.close(ended)

    def _take(self, descriptor: int, errors: int) -> bool:
        """All there is to read now; False at the pipe's end."""
        while True:
            try:
                data = os.read(descriptor, _CHUNK_BYTES)
            except BlockingIOError:
                return True
            if not data:
                return False
            if descriptor == errors:
                _pass_on(data)
                self._errors = (self._errors + data)[-_KEPT_BYTES:]
            else:
                self._answers += data

    def _messages(self) -> Iterator[dict[str, Any]]:
        *lines, self._answers = self._answers.split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "status" in message:
                self.result = message
            else:
                yield message


def _pass_on(data: bytes) -> None:
    while data:
        try:
            data = data[os.write(2, data) :]
        except OSError:
            return
