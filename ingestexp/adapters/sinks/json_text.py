"""Payload bytes as text that SQLite can judge.

Must live here: what has to hold before `json_valid` is asked. Must not: JSON parsing, that is the database's part.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ingestexp.ports import BatchRejected


def json_texts(first: int, payloads: Any) -> list[str]:
    """The payloads (Arrow `binary`) of items first, first + 1, … as strings. Raises BatchRejected.

    Two things SQLite lets pass are refused here, since neither is JSON: bytes that are not UTF-8 (it looks at quotes
    and brackets only), and a NUL byte (it stops reading there and takes the part before it for the whole).
    """
    try:
        # A view, not a cast: that would load pyarrow.compute at the first batch, 50 ms in the middle of a run.
        texts: list[str] = payloads.view(pa.string()).to_pylist()
    except UnicodeDecodeError:
        raise _rejected(first, payloads.to_pylist()) from None
    if "\0" in "".join(texts):
        raise _rejected(first, payloads.to_pylist())
    return texts


def _rejected(first: int, payloads: list[bytes]) -> BatchRejected:
    for item_id, payload in enumerate(payloads, start=first):
        try:
            text = payload.decode()
        except UnicodeDecodeError as error:
            return BatchRejected(f"item {item_id}: not JSON: invalid UTF-8 at byte {error.start}")
        if "\0" in text:
            return BatchRejected(f"item {item_id}: not JSON: NUL at character {text.index(chr(0))}")
    return BatchRejected("not JSON: invalid UTF-8")
