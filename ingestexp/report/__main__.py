"""`python -m ingestexp.report`: figures again, from the evidence alone.

Must live here: the command line of reports and its exit codes (0 pass or no verdict, 1 not, 2 can't be read).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

EXIT_USAGE = 2


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ingestexp.report",
        description="Answers from the evidence of runs, which nothing but the run folder is needed for.",
        epilog="exit code: 0 verdict PASS or none due, 1 FAIL / INCONCLUSIVE / INVALID, 2 the evidence can't be read",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    show_parser = commands.add_parser(
        "show", help="print the summary of a run", description="Print the summary of a run."
    )
    show_parser.add_argument(
        "run_dir", nargs="?", default="runs/latest", type=Path, help="a run folder (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)

    from ingestexp.report.evidence import EvidenceError
    from ingestexp.report.summary import show

    try:
        return show(arguments.run_dir)
    except EvidenceError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:  # `show | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
