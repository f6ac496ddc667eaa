"""Reading a sweep's folder: `sweep.yaml`, what names a sweep, whether somebody is at work on it.

Must live here: what may be known of a sweep from its folder alone. Must not: writing it (`sweep.record`), tables.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from typing import TYPE_CHECKING, Any, Final

import yaml  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE_NAME: Final = "sweep.yaml"
LOCK_NAME: Final = ".lock"
FORMAT_VERSION: Final = 1
UNFINISHED: Final = ("running", "interrupted", "failed")

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_sweep(folder: Path) -> dict[str, Any] | None:
    """What `sweep.yaml` says; None where there is none, or none that can be read."""
    try:
        facts = yaml.load((folder / FILE_NAME).read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a safe one)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return facts if isinstance(facts, dict) and facts.get("format_version") == FORMAT_VERSION else None


def is_finished(line: dict[str, Any]) -> bool:
    """Of a cell's line: completed, or killed where the experiment means it to be."""
    return line.get("status") == "completed" or bool(line.get("as_expected"))


def ended_as_meant(facts: dict[str, Any]) -> bool:
    """Of a run's manifest: killed by the kernel at its limit, in a variant that may be, or by its own fault=[kill]."""
    limited = (facts.get("memory") or {}).get("limit_mb") is not None
    allowed = bool((facts.get("cell") or {}).get("may_be_oom_killed"))
    kills = ((facts.get("config") or {}).get("fault") or {}).get("kill") is not None
    status = facts.get("status")
    return (status == "oom_killed" and limited and allowed) or (status == "crashed" and kills)


def plan_hash(cell_hashes: Iterable[str]) -> str:
    """12 hex digits that name a set of cells."""
    return hashlib.sha256("\n".join(sorted(cell_hashes)).encode()).hexdigest()[:12]


def sweeps_below(top: Path) -> Iterator[tuple[Path, str]]:
    """(folder, plan hash) of the sweeps in `top`/<day>/, newest first. Only the head of each file is read."""
    found = []
    for file in top.glob(f"*/*/{FILE_NAME}"):
        try:
            found.append((file.stat().st_mtime_ns, file))
        except OSError:
            continue
    for _, file in sorted(found, reverse=True):
        try:
            with file.open(encoding="utf-8") as text:
                head = text.read(400)
        except (OSError, ValueError):
            continue
        named = [line.partition(": ")[2].strip("\"' ") for line in head.splitlines() if line.startswith("plan_hash: ")]
        yield file.parent, named[0] if named else ""


def lock(folder: Path) -> int | None:
    """A descriptor that holds the folder until it is closed (or its process dies); None where another one does."""
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def is_at_work(folder: Path) -> bool:
    """Whether a process holds the folder right now."""
    if not (folder / LOCK_NAME).exists():
        return False
    try:
        descriptor = lock(folder)
    except OSError:  # a copy that may only be read
        return False
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
