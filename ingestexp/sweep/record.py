"""`sweep.yaml`: what the sweep is, how far it has got, which folder holds which cell. Replaced in one step.

Must live here: writing that file. Must not: reading it (`experiment.sweep_folder`), deciding anything.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.manifest import utc_now
from ingestexp.experiment.sweep_folder import FILE_NAME, FORMAT_VERSION
from ingestexp.sweep.cell_run import dump

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.sweep.job import CellJob, Outcome

COST_SHARE: Final = 0.02
"""Writing may take so much of the time: a file of 1,000 cells is not written for each of them."""

Row = dict[str, Any]


class SweepRecord:
    """`head`: what never changes. `rows`: the cells by number, each with the attempt that counts."""

    def __init__(self, folder: Path, head: dict[str, Any], stages: list[dict[str, Any]]) -> None:
        self.folder = folder
        self.head = head
        self.stages = stages
        self.rows: dict[int, Row] = {}
        self.status = "running"
        self.ended_at: str | None = None
        self._head_text = dump({"format_version": FORMAT_VERSION, **head})
        self._lines: dict[int, str] = {}
        self._changed = True
        self._next_s = 0.0

    def put(self, job: CellJob, status: str, outcome: Outcome | None = None) -> None:
        """A cell's row; `outcome` None: it has none yet."""
        self.rows[job.number] = {
            "number": job.number,
            "stage": job.stage,
            "variant": job.variant,
            "repeat": job.repeat,
            "cell_hash": job.cell_hash,
            "folder": job.folder if outcome is None else outcome.folder,
            "status": status,
            "reason": None if outcome is None else outcome.reason,
            "disturbed": False if outcome is None else outcome.disturbed,
            "attempt": job.attempt,
            "as_expected": outcome is not None and outcome.as_expected,
        }
        self._lines.pop(job.number, None)
        self._changed = True

    def restore(self, row: Row) -> None:
        """The row as it was: an older attempt counts after all."""
        self.rows[row["number"]] = row
        self._lines.pop(row["number"], None)
        self._changed = True

    def set_stage(self, facts: dict[str, Any]) -> None:
        """What is frozen for a stage, in the place of what an earlier execution froze."""
        names = [stage.get("name") for stage in self.stages]
        at = names.index(facts["name"]) if facts["name"] in names else len(names)
        self.stages[at : at + 1] = [facts]

    def save(self, now: bool = False) -> None:
        """Write it if something has changed and the last time is not too near."""
        started = time.monotonic()
        if not now and (not self._changed or started < self._next_s):
            return
        hidden = self.folder / f".tmp-{FILE_NAME}"
        hidden.write_text(self._text(), encoding="utf-8")
        hidden.replace(self.folder / FILE_NAME)
        self._changed = False
        ended = time.monotonic()
        self._next_s = ended + (ended - started) / COST_SHARE

    def finish(self, status: str) -> None:
        self.status, self.ended_at = status, utc_now()
        self.save(now=True)

    def _text(self) -> str:
        for number, row in self.rows.items():
            if number not in self._lines:
                self._lines[number] = f"- {_flow(row)}\n"
        changing = dump({"status": self.status, "ended_at": self.ended_at, "stages": self.stages})
        cells = "".join(self._lines[number] for number in sorted(self._lines))
        return f"{self._head_text}{changing}cells:{chr(10) + cells if cells else ' []'}"


def _flow(row: Row) -> str:
    """One line of JSON, which YAML reads too once nothing in it is a line break or a control character."""
    text = json.dumps(row, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 1 << 16 else f"\\U{ord(sign):08x}"
