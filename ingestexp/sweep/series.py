"""Several experiments one after another, on one Ray, and their acceptance criteria in one table at the end.

Must live here: which experiments a command line names, in what order and until when they run. Must not: a sweep
(`execution`), Ray (`cluster`), the table (`report`).
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from ingestexp.experiment.launch import EXIT_INTERRUPTED, EXIT_USAGE, overall
from ingestexp.experiment.mistake import Mistake, screen
from ingestexp.experiment.paths import CONF

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ingestexp.report.sweep_report import Sweep

_SEVERAL: Final = re.compile(r"\+?experiment=([\w/-]+(?:,[\w/-]+)+)")
_GRID: Final = {"-m", "--multirun"}
_ONE_FOLDER: Final = ("hydra.sweep.dir=", "hydra.run.dir=")

judged: list[Sweep] | None = None
"""What `execution` leaves of its sweeps for the table at the end; None where no series runs."""


def split(argv: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """The experiments of `+experiment=a,b` and all the other words; None where there are no two of them.

    With -m it stays what it is to Hydra: an axis of one grid.
    """
    found = [match for word in argv if (match := _SEVERAL.fullmatch(word))]
    if len(found) != 1 or _GRID & set(argv):
        return None
    return found[0][1].split(","), [word for word in argv if word != found[0][0]]


def run_series(names: Sequence[str], rest: Sequence[str], foreign: Path | None, run: Callable[[list[str]], int]) -> int:
    """The worst exit code. `run` takes a command line; a mistake in one of them or Ctrl-C ends the series."""
    global judged
    mistakes = list(_mistakes(names, rest, foreign))
    if mistakes:
        print(screen(mistakes), file=sys.stderr)
        return EXIT_USAGE
    from ingestexp.sweep.cluster import kept_running

    codes: list[int] = []
    judged = []
    try:
        with kept_running():
            for name in names:
                codes.append(run([f"+experiment={name}", *rest]))
                if codes[-1] in (EXIT_INTERRUPTED, EXIT_USAGE):
                    return overall(codes)
        if judged:
            from ingestexp.report.commands import accept_sweeps

            codes.append(accept_sweeps(judged, "table"))
    finally:
        judged = None
    return overall(codes)


def _mistakes(names: Sequence[str], rest: Sequence[str], foreign: Path | None) -> list[Mistake]:
    """What would come out only when its turn has come, after minutes."""
    folders = [CONF / "experiment"] + ([] if foreign is None else [foreign / "experiment"])
    files = ((folder, file) for folder in folders for file in folder.rglob("*.yaml"))
    known = sorted({file.relative_to(folder).with_suffix("").as_posix() for folder, file in files})
    why = f"there is no such experiment; there are {', '.join(known)}"
    found = [Mistake("experiment", name, why) for name in dict.fromkeys(names) if name not in known]
    for word in rest:
        if word.startswith(_ONE_FOLDER):
            key, _, value = word.partition("=")
            found.append(Mistake(key, value, "is one folder for several experiments: each needs its own, leave it out"))
    return found
