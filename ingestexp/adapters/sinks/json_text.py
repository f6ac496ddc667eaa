"""Payload bytes as text that SQLite can judge.

Must live here: what has to hold before `json_valid` is asked. Must not: JSON parsing, that is the database's part.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa


class NotTextError(ValueError):
    """Some payload is not text at all, so it can't be JSON."""


def json_texts(payloads: Any) -> list[str]:
    """The payloads (Arrow `binary`) as strings. Raises NotTextError.

    Two things SQLite lets pass are refused here, since neither is JSON: bytes that are not UTF-8 (it looks at quotes
    and brackets only), and a NUL byte (it stops reading there and takes the part before it for the whole).
    """
    try:
        # A view, not a cast: that would load pyarrow.compute at the first batch, 50 ms in the middle of a run.
        texts: list[str] = payloads.view(pa.string()).to_pylist()
    except UnicodeDecodeError:
        raise NotTextError("not JSON: invalid UTF-8") from None
    if "\0" in "".join(texts):
        raise NotTextError("not JSON: NUL")
    return texts


def text_fault(payload: bytes) -> str | None:
    """What keeps this payload from being text, with the place; None if nothing does."""
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        return f"not JSON: invalid UTF-8 at byte {error.start}"
    return f"not JSON: NUL at character {text.index(chr(0))}" if "\0" in text else None
