"""What runs inside a Ray worker: packs of simulated cells in place, live cells in a process of their own.

Must live here: one worker's side. Must not: which worker gets what (`dispatch`), Ray itself: this is a plain class,
which `cluster` makes an actor of.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ingestexp.engine.placement import freeze_for_good
from ingestexp.experiment.supervisor.lifeline import die_with_parent
from ingestexp.sweep.cell_run import CellRunner, import_everything
from ingestexp.sweep.fate import death_in_words, oom_kill_count, outcome_of
from ingestexp.sweep.template import receive, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ingestexp.sweep.job import CellJob, Outcome, SweepOrder

LOOK_EVERY_S: Final = 0.1
"""At the stop file: one stat, also beside a measurement."""


class Worker:
    """`live`: for live cells, in children that a template process forks; else simulated ones, in this process."""

    def __init__(self, order: SweepOrder, live: bool, die_with_ray: bool) -> None:
        if die_with_ray:  # at once: Ray itself takes a second to notice
            die_with_parent(os.getppid())
        self._order = order
        self._template: Template | None = None
        self._live = live
        with contextlib.suppress(OSError):
            os.chdir(order.home)

    def get_ready(self) -> int:
        """Import everything, start the template; this process's id."""
        if self._live:
            self._template = Template(self._order)
        else:
            import_everything()
            self._runner = CellRunner(self._order)
            freeze_for_good()
        return os.getpid()

    def run_pack(self, jobs: list[CellJob]) -> list[Outcome]:
        """Simulated cells, in order, up to the one during which the user ended the sweep."""
        outcomes = []
        with _interrupts_reach_the_run(self._order.stop_file) as stopped:
            for job in jobs:
                if stopped.is_set():
                    break
                started = time.monotonic()
                self._runner.run(job)
                outcomes.append(outcome_of(job, self._order.run_dir(job), time.monotonic() - started))
        return outcomes

    def judge(self, run_dirs: list[Path]) -> None:
        """Record the verdicts of finished runs: between measurements, never beside one."""
        from ingestexp.report.record import record_verdicts

        record_verdicts(run_dirs)

    def run_live(self, job: CellJob, cores: list[int]) -> Outcome:
        """One live cell on these cores."""
        kills = oom_kill_count()
        for _ in range(2):
            template = self._template or Template(self._order)
            self._template = template
            try:
                code, elapsed_s = template.run(job, cores)
                break
            except (EOFError, BrokenPipeError):  # killed, and its child with it: the cell has begun, or is tried again
                self._template = None
                code, elapsed_s = -signal.SIGKILL, 0.0
                if self._order.run_dir(job).exists():
                    break
        words = death_in_words(code, oom_kill_count() - kills)
        return outcome_of(job, self._order.run_dir(job), elapsed_s, words)


class Template:
    """The worker's end of a template process."""

    def __init__(self, order: SweepOrder) -> None:
        self._stop_file = order.stop_file
        command = [sys.executable, "-m", "ingestexp.sweep.template", str(os.getpid())]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests: BinaryIO = self._process.stdin  # type: ignore[assignment]
        self._answers: BinaryIO = self._process.stdout  # type: ignore[assignment]
        send(self._requests, order)
        receive(self._answers)

    def run(self, job: CellJob, cores: list[int]) -> tuple[int, float]:
        """(return code, seconds). Raises EOFError or BrokenPipeError when the template was killed."""
        send(self._requests, (job, cores))
        passed_on = interrupts_asked(self._stop_file)
        while not select.select([self._answers], [], [], LOOK_EVERY_S)[0]:
            asked = interrupts_asked(self._stop_file)
            while passed_on < asked:
                send(self._requests, "interrupt")
                passed_on += 1
        code, elapsed_s = receive(self._answers)
        return code, elapsed_s


def interrupts_asked(stop_file: Path) -> int:
    """How often the user asked for the end, 0 as long as there is no such file."""
    try:
        return int(stop_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


@contextlib.contextmanager
def _interrupts_reach_the_run(stop_file: Path) -> Iterator[threading.Event]:
    """Each wish to end is a SIGINT for the run in this thread; between two runs it ends the pack.

    Ray blocks SIGINT in its workers, since a terminal sends Ctrl-C to everybody; this one comes from us.
    """
    stopped, over = threading.Event(), threading.Event()
    here = threading.get_ident()

    def watch() -> None:
        passed_on = interrupts_asked(stop_file)
        if passed_on:
            stopped.set()
        while not over.wait(LOOK_EVERY_S):
            if interrupts_asked(stop_file) > passed_on:
                passed_on += 1
                stopped.set()
                signal.pthread_kill(here, signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        stopped.set()

    before = signal.signal(signal.SIGINT, note)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield stopped
    finally:
        over.set()
        watcher.join()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, before)
