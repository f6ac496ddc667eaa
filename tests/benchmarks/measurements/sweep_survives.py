"""100 cells, 10 of them failing, a worker killed, the driver killed with -9 and started again: done, lost, twice."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter
from typing import TYPE_CHECKING, Final

from ingestexp.experiment.sweep_folder import read_sweep
from tests.benchmarks.rows import Row
from tests.benchmarks.sweeps import PATIENCE_S, Sweep, scratch, start, wait_for

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

TIMEOUT_S: Final = 600.0
GOOD: Final = 90
FAILING: Final = 10
BEFORE_WORKER_DIES: Final = 20
BEFORE_DRIVER_DIES: Final = 45


def measure() -> list[Row]:
    with scratch() as parent:
        recording = parent / "requests.csv"
        recording.write_text("t\n0\n0.1\n", encoding="utf-8")
        return _survive(Sweep(parent / "sweep"), recording)


def _options(recording: Path) -> list[str]:
    simulated = '"clock=simulated","sink=model"'
    good = f'{simulated},"load.rate_per_s=30000","load.duration_s=4"'
    bad = f'{simulated},"load=replay","load.path={recording}","load.timestamp_column=t"'
    variants = [f'w{n}:[{good},"seed={n}","window.max_size={1 + n % 9}"]' for n in range(GOOD)]
    variants += [f'h{n}:[{bad},"seed={n}"]' for n in range(FAILING)]
    return ["-m", f"+sweep.variants={{{','.join(variants)}}}"]


def _start(sweep: Sweep, recording: Path) -> subprocess.Popen[str]:
    """The recording is there while the sweep is planned and gone when ten cells come to read it."""
    away = recording.with_suffix(".away")
    if away.exists():
        away.rename(recording)
    driver = start(sweep.folder, _options(recording))
    wait_for(lambda: driver.poll() is not None or (read_sweep(sweep.folder) or {}).get("pid") == driver.pid)
    recording.rename(away)
    return driver


def _survive(sweep: Sweep, recording: Path) -> list[Row]:
    driver = _start(sweep, recording)
    victim = wait_for(lambda: sweep.count("completed") >= BEFORE_WORKER_DIES and _running(sweep))
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: sweep.count("completed") >= BEFORE_DRIVER_DIES)
    driver.kill()
    driver.communicate()
    again = _start(sweep, recording)
    _, said = again.communicate(timeout=PATIENCE_S)
    done = Counter(facts["cell"]["number"] for facts in sweep.manifests() if facts["status"] == "completed")
    cells = sweep.cells()
    lost = [row for row in cells if row["status"] != "completed" and not row["variant"].startswith("h")]
    named = [row for row in cells if row["variant"].startswith("h") and f"{row['number']:04d}" in said]
    note = f"exit {again.returncode}, {len(cells)} cells"
    return [
        Row.at_least("finished", "cells finished", len(done), "cells", GOOD, note),
        Row.at_most("twice", "finished twice", sum(count > 1 for count in done.values()), "cells", 0),
        Row.at_most("lost", "lost", len(lost), "cells", 0),
        Row.at_least("named", "failing cells named", len(named), "cells", FAILING),
    ]


def _running(sweep: Sweep) -> int | None:
    """The process of a cell that is being simulated right now."""
    with contextlib.suppress(StopIteration):
        return next(int(facts["pid"]) for facts in sweep.manifests() if facts["status"] == "running")
    return None
