"""`python -m ingestexp.doctor`: the order of the examination and its exit codes.

Must live here: the command line, the progress line. Must not: any examination's work.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_OK, EXIT_INVALID, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
LEAST_PAIRS, MOST_PAIRS = 5, 100


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's idle helpers would spin beside a run
    try:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        return examine(arguments.folder, 0 if arguments.quick else arguments.pairs, arguments.format)
    except KeyboardInterrupt:
        say("")
        return EXIT_INTERRUPTED
    except OSError as error:
        print(f"error: --folder {arguments.folder}: {error.strerror or error}", file=sys.stderr)
        return EXIT_USAGE


def examine(folder: Path, pairs: int, style: str) -> int:
    """Raises OSError where the folder can't be written."""
    say("looking at the host")
    from ingestexp.doctor import facts, pairs as aa, probes, sheet  # noqa: I001
    from ingestexp.doctor.finding import INVALID, Finding, worst
    from ingestexp.experiment.manifest import host_facts
    from ingestexp.report.summary import plain_console

    host = host_facts(folder)
    findings = facts.host_findings(host, folder)
    say("writing and syncing")
    findings.append(probes.fsync_finding(folder))
    say("watching for two seconds")
    findings += probes.calm_findings()
    findings.append(probes.services_finding())
    resolved: list[aa.Resolution] = []
    if pairs:
        try:
            resolved, disturbed = aa.measure(folder, pairs, lambda done, all_: say(f"equal runs: {done} of {all_}"))
            findings += [aa.calm_finding(disturbed, pairs), *aa.pair_findings(resolved, pairs)]
        except aa.PairsError as error:
            findings.append(Finding("A/A", str(error), INVALID, "runs of this host do not complete"))
    say("")
    found = sheet.record(host, findings, resolved, pairs)
    path = sheet.write(folder, found)
    if style == "json":
        print(json.dumps(found, indent=2))
    else:
        out = plain_console()
        sheet.print_findings(findings, out)
        out.print(f"recorded in {path}")
    return EXIT_INVALID if worst(findings) == INVALID else EXIT_OK


def say(text: str) -> None:
    """The progress line: on a terminal only, in place; empty: gone."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _pairs(text: str) -> int:
    if not text.isdigit() or not LEAST_PAIRS <= int(text) <= MOST_PAIRS:
        raise argparse.ArgumentTypeError(f"{text}: a whole number from {LEAST_PAIRS} to {MOST_PAIRS}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ingestexp.doctor",
        description="Examines this host before anyone believes a number measured on it. Takes half a minute.",
        epilog="exit code: 0 nothing is invalid, 1 something would make a claim INVALID, 2 usage, 130 Ctrl-C",
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("runs"), help="where evidence will lie; doctor.json too (default: runs)"
    )
    parser.add_argument(
        "--pairs", type=_pairs, default=LEAST_PAIRS, metavar="N", help="pairs of equal runs (default: %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="leave the pairs out: 4 seconds")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
