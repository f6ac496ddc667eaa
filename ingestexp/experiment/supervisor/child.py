"""The process that a limited run is: started inside its limit, told what to run, run.

Must live here: what comes before and after `execute` in such a process. Must not: limits (set before it starts).

The order comes as a pickle over stdin, both ends are ours; over the former stdout go lines of JSON: one once
everything is imported, one with the result.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ingestexp.experiment.supervisor.lifeline import die_with_parent
from ingestexp.experiment.supervisor.usage import own_peak_rss_bytes

if TYPE_CHECKING:
    from ingestexp.experiment.schema import RunConfig

EXIT_FAILED, EXIT_INTERRUPTED = 3, 130
MODULE: Final = "ingestexp.experiment.supervisor.child"


@dataclass(frozen=True, slots=True)
class RunOrder:
    """The arguments of `experiment.run.execute`."""

    config: RunConfig
    run_dir: Path
    command: list[str]
    cell: dict[str, Any] | None
    known: dict[str, Any]


def main() -> int:
    die_with_parent(int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        from ingestexp.experiment.run import execute  # and with it everything that a run imports

        order = _order()
        answers = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)  # what is printed by mistake must not end up among the answers
        _say(answers, {"groups": Path("/proc/self/cgroup").read_text(encoding="utf-8")})
        result = execute(order.config, order.run_dir, order.command, order.cell, order.known)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:
        if "order" not in locals() or order.cell is not None or os.environ.get("INGESTEXP_DEBUG") == "1":
            traceback.print_exception(error)  # a cell's stderr is its log
        else:
            print(f"{type(error).__name__}: {error} (INGESTEXP_DEBUG=1 shows where)", file=sys.stderr)
        return EXIT_FAILED
    peak_rss_bytes = own_peak_rss_bytes()
    _say(answers, {"status": result.status, "reason": result.reason, "peak_rss_bytes": peak_rss_bytes})
    return result.exit_code


def _order() -> RunOrder:
    with os.fdopen(os.dup(0), "rb") as orders:
        order: RunOrder = pickle.load(orders)  # noqa: S301 (from our own other end)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return order


def _say(answers: BinaryIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
