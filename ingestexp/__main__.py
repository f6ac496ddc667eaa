"""The entry point: command line in, exit code out.

Must live here: the order check -> Hydra -> run -> summary, and exit codes. Must not: any of these steps' work.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.experiment.mistake import Mistake

EXIT_OK, EXIT_USAGE, EXIT_INTERRUPTED = 0, 2, 130


def main() -> None:
    """`python -m ingestexp` and the console script."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:  # `… --cfg job | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = EXIT_OK
    sys.exit(code)


def run(argv: list[str]) -> int:
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra would print its own errors and exit 1
    from ingestexp.experiment import command_line

    line = command_line.parse(argv)
    if isinstance(line, list):
        return _refuse(line)
    from ingestexp.experiment.check import check

    plan = check(line)
    if plan.mistakes:
        return _refuse(plan.mistakes)
    from ingestexp.experiment.launch import launch

    return launch(line, plan, ["python", "-m", "ingestexp", *argv], _summarize)


def _summarize(run_dir: Path) -> int:
    from ingestexp.report.summary import print_summary

    return print_summary(run_dir)


def _refuse(mistakes: list[Mistake]) -> int:
    from ingestexp.experiment.mistake import screen

    print(screen(mistakes), file=sys.stderr)
    return EXIT_USAGE


if __name__ == "__main__":
    main()
