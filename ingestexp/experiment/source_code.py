"""Which code this is: what a run's evidence names, and what a sweep that is gone on with must not mix.

Must live here: the name of the sources at hand. Must not: versions of other packages (`manifest`).
"""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
from typing import TYPE_CHECKING, Final

import ingestexp
from ingestexp.experiment.paths import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES: Final = (".py", ".sql")
"""YAML is left out: what it says is in a run's config, which has a hash of its own."""


@functools.cache
def code_version() -> str:
    """Of when this process was started, or nearly: a process that is to be forked asks for it before."""
    return version_of(PACKAGE.parent)


def version_of(root: Path) -> str:
    """`git describe` of a checkout. A changed one, and a package without git, is told by what its files hold.

    Two changed trees of one commit are two codes. The hash (5 ms) is left out where the commit says it all.
    """
    described = _described(root)
    if described is None:
        return f"{ingestexp.__version__}+src.{sources_hash(root)}"
    changed = f".{sources_hash(root)}" if described.endswith("-dirty") else ""
    return f"{ingestexp.__version__}+g{described}{changed}"


def sources_hash(root: Path) -> str:
    """8 hex digits of all Python and SQL below `ingestexp` and `analysis`, tracked by git or not.

    Reports are among them: a window is chosen by their verdicts, and a sweep's verdicts should be of one rule.
    """
    digest = hashlib.sha256()
    for top in ("ingestexp", "analysis"):  # a wheel has the second one inside the first
        for folder, folders, names in os.walk(f"{root}/{top}"):
            folders[:] = sorted(set(folders) - {"__pycache__"})
            for name in sorted(name for name in names if name.endswith(_SUFFIXES)):
                with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123 (a Path costs as much as the reading)
                    data = file.read()
                digest.update(f"{folder.removeprefix(str(root))}/{name} {len(data)}\0".encode())
                digest.update(data)
    return digest.hexdigest()[:8]


def _described(root: Path) -> str | None:
    """None: no checkout, or no git to ask."""
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--tags"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
