"""The findings as a table for people or JSON for machines, and the file that comparisons read.

Must live here: layout, words at the end, doctor.json. Must not: judging.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.table import Table

from ingestexp.doctor.finding import CAREFUL, INVALID, OK, Finding, worst
from ingestexp.experiment.manifest import utc_now
from ingestexp.report.noise_floor import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from ingestexp.doctor.pairs import Resolution

STYLES: Final = {OK: "green", CAREFUL: "bold yellow", INVALID: "bold magenta"}
CLOSING: Final = {
    OK: "Nothing here speaks against figures of this host.",
    CAREFUL: "Figures of this host hold with the care named above.",
    INVALID: "A verdict that rests on what is called invalid above would be INVALID.",
}


def record(
    host: dict[str, Any], findings: Sequence[Finding], resolved: Sequence[Resolution], pairs: int
) -> dict[str, Any]:
    """What doctor.json holds. noise_floor: None without pairs."""
    floor = {
        one.metric: {"resolves": one.resolves, "resolves_ratio": one.resolves_ratio, "mean": one.mean}
        for one in resolved
    }
    return {
        "examined_at": utc_now(),
        "host": host,
        "level": worst(findings),
        "pairs": pairs if resolved else 0,
        "noise_floor": floor or None,
        "findings": [finding.as_dict() for finding in findings],
    }


def write(folder: Path, facts: dict[str, Any]) -> Path:
    """Replaces doctor.json in one step. Raises OSError."""
    path = folder / FILE_NAME
    hidden = folder / f".tmp-{FILE_NAME}-{os.getpid()}"
    try:
        hidden.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)
    return path


def print_findings(findings: Sequence[Finding], out: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("what", no_wrap=True)
    table.add_column("found", overflow="fold")
    table.add_column("", no_wrap=True)
    table.add_column("which means", overflow="fold")
    for finding in findings:
        table.add_row(finding.what, finding.found, f"[{STYLES[finding.level]}]{finding.level}[/]", finding.says)
    out.print(table)
    out.print(CLOSING[worst(findings)])
