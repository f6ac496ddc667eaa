"""A process with everything imported and a single thread, which forks a child for each live cell.

Must live here: forking, what a child is given (session, cores, signals, log), watching it. Must not: Ray, which cell
runs when. A Ray worker starts one (`worker`): its own interpreter has some twenty threads that must not run beside a
measurement, and a new interpreter costs 0.6 s of imports, which must not run beside one either.

Requests come as pickles over stdin, answers go over the former stdout; both ends are ours.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import struct
import sys
import time
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ingestexp.engine.placement import freeze_for_good
from ingestexp.experiment.supervisor.lifeline import EXIT_UNFORESEEN, die_with_parent
from ingestexp.sweep.cell_run import CellRunner, import_everything
from ingestexp.sweep.fate import LOG_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.sweep.job import CellJob, SweepOrder

_LENGTH: Final = struct.Struct("<Q")


def send(pipe: BinaryIO, message: Any) -> None:
    data = pickle.dumps(message)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def receive(pipe: BinaryIO) -> Any:
    """The next message. Raises EOFError when the other end is gone."""
    head = _exactly(pipe, _LENGTH.size)
    return pickle.loads(_exactly(pipe, _LENGTH.unpack(head)[0]))  # noqa: S301 (from our own other end)


def _exactly(pipe: BinaryIO, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = pipe.read(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Until the worker is gone: an order first, then cells."""
    order: SweepOrder = receive(requests)
    runner = CellRunner(order)
    import_everything()
    freeze_for_good()  # a child's own collections then have nothing of this to look through
    send(answers, os.getpid())
    while True:
        job, cores = receive(requests)
        started = time.monotonic()
        child = os.fork()
        if not child:
            _be_the_child(runner, order, job, cores)
        code = _watch(child, requests)
        send(answers, (code, time.monotonic() - started))


def _be_the_child(runner: CellRunner, order: SweepOrder, job: CellJob, cores: list[int]) -> None:
    """Never returns."""
    code = EXIT_UNFORESEEN
    try:
        parent = os.getppid()
        os.setsid()  # the terminal's Ctrl-C goes to the driver, which passes it on
        die_with_parent(parent)
        os.sched_setaffinity(0, cores)
        run_dir = order.run_dir(job)
        run_dir.mkdir(parents=True, exist_ok=True)
        log = os.open(run_dir / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, descriptor in ((0, nothing), (1, log), (2, log)):
            os.dup2(descriptor, number)
        os.closerange(3, 64)  # the pipes to the worker above all
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        code = runner.run(job)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _watch(child: int, requests: BinaryIO) -> int:
    """Wait for its end; meanwhile each message that comes is an interrupt for it."""
    for waiting in _readable(child, requests):
        if waiting:
            try:
                receive(requests)
            except EOFError:
                os.killpg(child, signal.SIGKILL)
                os._exit(0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGINT)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # whatever it has left running
    return os.waitstatus_to_exitcode(status)


def _readable(child: int, requests: BinaryIO) -> Iterator[bool]:
    """True whenever there is something to read; ends with the child."""
    ended = os.pidfd_open(child)
    try:
        while True:
            ready, _, _ = select.select([requests.fileno(), ended], [], [])
            if ended in ready:
                return
            yield True
    finally:
        os.close(ended)


def main() -> None:
    die_with_parent(int(sys.argv[1]))
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what is printed by mistake must not end up among the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError):
        serve(requests, answers)


if __name__ == "__main__":
    main()
