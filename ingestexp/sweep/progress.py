"""What is seen of a sweep while it runs: one line on a terminal, a line now and then elsewhere, failures at once.

Must live here: words on stderr. Must not: the tables at the end (`report`).
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, TextIO

from ingestexp.experiment.launch import near
from ingestexp.experiment.mistake import printable
from ingestexp.sweep.estimate import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ingestexp.sweep.job import CellJob, Outcome

LINE_EVERY_S: Final = 0.2
LOG_EVERY_S: Final = 3.0
"""Without a terminal: at most so often, however short the cells are."""


class SweepLine:
    """Of `total` cells. `shown` None: as the terminal has it."""

    def __init__(self, total: int, shown: bool | None = None, stream: TextIO = sys.stderr) -> None:
        self._total = total
        self._done = 0
        self._failed = 0
        self._again = 0
        self._stream = stream
        self._live = stream.isatty() if shown is None else shown and stream.isatty()
        self._quiet = shown is False
        self._running: dict[int, str] = {}
        self._width = 0
        self._next_s = 0.0
        self._ending = False

    def say(self, text: str) -> None:
        """A sentence that stays."""
        self._wipe()
        self._stream.write(f"{printable(text)}\n")
        self._stream.flush()

    def step(self, text: str) -> None:
        """What is being done just now; overwritten by what follows on a terminal."""
        if self._live:
            self._put(text)
        elif not self._quiet:
            self.say(text)

    def begun(self, jobs: Sequence[CellJob]) -> None:
        for job in jobs:
            self._running[job.number] = job.label

    def keep(self, count: int) -> None:
        """So many were finished before."""
        self._done = count

    def rerun(self, count: int) -> None:
        """So many finished cells are to run again."""
        self._done -= count

    def ended(self, job: CellJob, outcome: Outcome, run_dir: Path, eta_s: Callable[[], float]) -> None:
        self._running.pop(job.number, None)
        if outcome.status == "interrupted":
            pass
        elif outcome.finished:
            self._done += 1
        else:
            self._failed += 1
            self.say(f"cell {job.number:04d}  {job.label}  {outcome.status}: {outcome.reason or 'no reason given'}")
            self.say(f"  evidence so far: {near(run_dir)}")
            for line in outcome.tail:
                self.say(f"  | {line}")
        self.tick(eta_s, job.label)

    def tick(self, eta_s: Callable[[], float], just_ended: str | None = None) -> None:
        now = time.monotonic()
        if self._quiet or (now < self._next_s):
            return
        if self._live:
            self._next_s = now + LINE_EVERY_S
            self._put(self._words(eta_s()))
        elif just_ended is not None:
            self._next_s = now + LOG_EVERY_S if self._done < self._total else now
            self.say(f"{self._words(eta_s())}  (last: {just_ended})")

    def ending(self, count: int) -> None:
        """The user asked for the end."""
        if not self._ending:
            self.say("ending: running cells close their evidence, finished ones are kept; Ctrl-C again stops at once")
        self._ending = True
        self._running = {} if count > 1 else self._running

    def clear(self) -> None:
        self._wipe()
        self._stream.flush()

    def _words(self, eta_s: float) -> str:
        parts = [f"sweep {self._done + self._failed}/{self._total} cells"]
        if self._failed:
            parts.append(f"{self._failed} failed")
        if len(self._running) == 1:
            parts.append(f"running {next(iter(self._running.values()))}")
        elif self._running:
            parts.append(f"{len(self._running)} running")
        parts.append("ending" if self._ending else f"ETA {in_words(eta_s)}")
        return "  ".join(parts)

    def _put(self, text: str) -> None:
        shown = printable(text)[:150]
        self._stream.write(f"\r{shown.ljust(self._width)}")
        self._stream.flush()
        self._width = len(shown)

    def _wipe(self) -> None:
        if self._width:
            self._stream.write(f"\r{' ' * self._width}\r")
            self._width = 0
