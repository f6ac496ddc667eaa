"""What SQLite's error codes mean to a run, in words meant for the user.

Must live here: the mapping from code to port error. Must not: anything that talks to a database.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from ingestexp.ports import BatchRejected, SinkBroken, SinkError, SinkUnavailable, TransientSinkError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TRANSIENT: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REFUSED: Final = {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH}


def write_error(path: Path, error: sqlite3.Error, refused: Callable[[], dict[int, str]]) -> SinkError:
    """Busy or locked: try again. A broken rule or too big a payload: the batch is at fault. All else: the store is.

    `refused` finds the items at fault {item id: why}: asked only where the batch is.
    """
    code = _primary(error)
    if code in _TRANSIENT:
        return TransientSinkError(f"sink.path={path}: {error} (held by another process)")
    if code in _REFUSED or isinstance(error, (sqlite3.IntegrityError, sqlite3.DataError)):
        return rejected(refused(), str(error))
    return SinkBroken(f"sink.path={path}: {error}; the store cannot go on")


def rejected(item_errors: dict[int, str], otherwise: str) -> BatchRejected:
    """Names the first item and says how many more there are; `otherwise` where none is known to be at fault."""
    if not item_errors:
        return BatchRejected(otherwise)
    first, why = next(iter(item_errors.items()))
    more = f" (and {len(item_errors) - 1:,} more items)" if len(item_errors) > 1 else ""
    return BatchRejected(f"item {first}: {why}{more}", item_errors)


def unavailable(path: Path, error: sqlite3.Error | OSError) -> SinkUnavailable:
    """Why `open` failed."""
    if isinstance(error, OSError):
        return SinkUnavailable(f"sink.path={path}: {error.strerror}")
    code = _primary(error)
    if code == sqlite3.SQLITE_NOTADB:
        return SinkUnavailable(f"sink.path={path}: exists and is not an SQLite database; choose another path")
    if code in _TRANSIENT:
        return SinkUnavailable(f"sink.path={path}: {error}: another process is writing to it")
    if code == sqlite3.SQLITE_CANTOPEN:
        return SinkUnavailable(f"sink.path={path}: cannot be opened for writing (check the folder's permissions)")
    return SinkUnavailable(f"sink.path={path}: {error}")


def read_error(path: Path, error: sqlite3.Error) -> SinkError:
    """Why `read_back` failed."""
    return SinkError(f"sink.path={path}: cannot be read back: {error}")


def _primary(error: sqlite3.Error) -> int:
    """The primary result code (low byte of the extended one); -1 for an error of the Python module's own."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return -1 if code is None else code & 0xFF
