"""`python -m ingestexp.report`: figures again, from the evidence alone.

Must live here: the command line of reports and its exit codes. Must not: what a command prints (`commands`).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

EXIT_USAGE = 2
FORMATS = ("table", "markdown", "csv", "json")


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)

    from ingestexp.report import commands
    from ingestexp.report.evidence import EvidenceError

    try:
        match arguments.command:
            case "show":
                return commands.show(arguments.folder, arguments.format, arguments.plot)
            case "accept":
                return commands.accept(arguments.sweep, arguments.format)
            case "list":
                return commands.list_runs(arguments.runs, arguments.format)
            case "sql":
                return commands.ask(arguments.query, arguments.runs, arguments.format)
            case "writeup":
                from ingestexp.report.writeup import writeup

                return writeup(arguments.folder, arguments.format)
            case _:
                return commands.compare(arguments.a, arguments.b, arguments.format)
    except EvidenceError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:  # `show | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ingestexp.report",
        description="Answers from the evidence of runs, which nothing but the run folder is needed for.",
        epilog="exit code: 0 verdict PASS or none due, 1 FAIL / INCONCLUSIVE / INVALID, 2 the evidence can't be read",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, says: str, formats: tuple[str, ...] = FORMATS) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
        added.add_argument("--format", choices=formats, default=formats[0], help="default: %(default)s")
        return added

    shown = command("show", "print the summary of a run, or the comparison of a sweep")
    shown.add_argument(
        "folder", nargs="?", default="runs/latest", type=Path, help="a run's or a sweep's folder (default: %(default)s)"
    )
    shown.add_argument("--plot", type=Path, metavar="FILE", help="also write the pictures to FILE (.png, .svg, .pdf)")
    accepted = command("accept", "print the acceptance criteria of sweeps in one table")
    accepted.add_argument(
        "sweep", nargs="+", help="a sweep's folder, or an experiment's name: its newest sweep below runs/"
    )
    listed = command("list", "list runs and sweeps, newest first: status, verdict, what differs from the default run")
    listed.add_argument("--runs", default="runs", metavar="GLOB", help="where to look (default: %(default)s)")
    asked = command(
        "sql",
        "ask any SQL over the views runs, items, batches, samples, dead_letters, faults, envelopes, responses, "
        "verdicts",
    )
    asked.add_argument("query")
    asked.add_argument("--runs", nargs="+", default=["runs/latest"], metavar="FOLDER", help="default: %(default)s")
    compared = command("compare", "pair two runs of the same arrivals, item by item")
    compared.add_argument("a", type=Path, metavar="A")
    compared.add_argument("b", type=Path, metavar="B")
    written = command(
        "writeup", "write the paragraph that the sweeps of the experiments defend", ("text", "markdown", "json")
    )
    written.add_argument(
        "folder",
        nargs="*",
        type=Path,
        help="sweeps, or folders that hold some (default: the newest sweep of each experiment below runs/)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
