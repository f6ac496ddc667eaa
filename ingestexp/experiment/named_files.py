"""Files that a config names: is there one to read, can one be written?

Must live here: looks at names and folders. Must not: contents (`preflight`), which keys name a file (`validate`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ingestexp.experiment.mistake import Mistake, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator


def file_to_read(key: str, path: str | None) -> Iterator[Mistake]:
    """The file must be there and readable; its contents are looked at later."""
    if not path:
        yield Mistake(key, "null" if path is None else '""', f"has to name a file, as in {key}=requests.csv")
        return
    file = Path(path)
    if file.is_dir():
        yield Mistake(key, path, "is a folder; a file is needed")
    elif file.exists() and not file.is_file():
        yield Mistake(key, path, "is not a regular file")
    elif not file.exists():
        yield Mistake(key, path, "there is no such file" + _neighbours(file))
    elif not os.access(file, os.R_OK):
        yield Mistake(key, path, "may not be read by this user")


def file_to_write(key: str, path: str) -> Iterator[Mistake]:
    file = Path(path)
    if not path:
        yield Mistake(key, '""', "has to name a file (null: inside the run folder)")
    elif file.is_dir():
        yield Mistake(key, path, "is a folder; the name of a file is needed")
    elif file.exists() and not file.is_file():
        yield Mistake(key, path, "is not a regular file")
    elif not file.is_absolute():
        return  # from a shared YAML: lies in the run folder
    elif not file.parent.is_dir():
        yield Mistake(key, path, f"the folder {file.parent} does not exist" + _neighbours(file.parent))
    elif not os.access(file.parent, os.W_OK | os.X_OK):
        yield Mistake(key, path, f"the folder {file.parent} may not be written by this user")


def _neighbours(file: Path) -> str:
    """What the folder holds instead, by the nearest name."""
    folder = file.parent
    if not folder.is_dir():
        return f" (nor a folder {folder})"
    try:
        return did_you_mean(file.name, sorted(entry.name for entry in folder.iterdir())[:10_000])
    except OSError:
        return ""
