"""`runs/latest`, which points to the newest run.

Must live here: that link. Must not: what a run is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def point_latest(run_dir: Path) -> None:
    """`runs/latest` points to the newest run below a folder called runs; moved in one step. Elsewhere there is none."""
    top = next((parent for parent in run_dir.absolute().parents if parent.name == "runs"), None)
    if top is None:
        return
    hidden = top / f".tmp-latest-{os.getpid()}"
    try:
        hidden.unlink(missing_ok=True)
        hidden.symlink_to(os.path.relpath(run_dir, top))
        hidden.replace(top / "latest")
    except OSError:
        hidden.unlink(missing_ok=True)
