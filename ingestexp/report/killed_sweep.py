"""Cells that `sweep.yaml` has as running though nobody is at work on them: their driver was killed.

Must live here: how such a cell ended. Must not: the end of a single run (`evidence`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestexp.experiment.sweep_folder import ended_as_meant, is_at_work
from ingestexp.report.evidence import EvidenceError, StillRunning, check_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Row = dict[str, Any]


def ends_in_a_killed_sweep(folder: Path, lines: Sequence[Row]) -> Sequence[Row]:
    """The lines with the status that their runs' manifests give; a dead run's says `crashed` from this look on."""
    if not any(line.get("status") == "running" for line in lines) or is_at_work(folder):
        return lines
    return [
        {**line, **_end(folder / str(line.get("folder")))} if line.get("status") == "running" else line
        for line in lines
    ]


def _end(run_dir: Path) -> Row:
    if not (run_dir / "manifest.json").is_file():
        return {"status": "pending"}  # handed out, but not begun
    try:
        manifest, status, reason = check_run(run_dir)
    except StillRunning:
        return {}
    except EvidenceError as error:
        return {"status": "crashed", "reason": str(error)}
    host = (manifest.get("self_checks") or {}).get("host") or {}
    as_expected = ended_as_meant(manifest)
    return {"status": status, "reason": reason, "disturbed": bool(host.get("disturbed")), "as_expected": as_expected}
