"""The entry point: command line in, exit code out.

Must live here: the order check -> Hydra -> run -> summary, and exit codes. Must not: any of these steps' work.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ingestexp.experiment.mistake import screen

if TYPE_CHECKING:
    from pathlib import Path

EXIT_USAGE, EXIT_INTERRUPTED = 2, 130


def main() -> None:
    """`python -m ingestexp` and the console script `ingestexp`."""
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ingestexp"):
            raise
        cure = "run `make run`, then `. .venv/bin/activate`"
        print(f"ingestexp: {sys.executable} has no {error.name}: {cure}", file=sys.stderr)
        code = EXIT_USAGE
    except BrokenPipeError:  # `… --cfg job | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    sys.exit(code)


def run(argv: list[str]) -> int:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's idle helpers would spin beside a run
    os.environ["HYDRA_FULL_ERROR"] = "1"  # else Hydra prints its own errors and exits 1
    from ingestexp.experiment.check import check
    from ingestexp.experiment.command_line import parse
    from ingestexp.experiment.launch import launch
    from ingestexp.sweep.series import run_series, split

    line = parse(argv)
    if (several := split(argv)) and not isinstance(line, list) and line.runs:
        return run_series(*several, line.foreign, run)
    mistakes = line if isinstance(line, list) else (plan := check(line)).mistakes
    if mistakes or isinstance(line, list):
        print(screen(mistakes), file=sys.stderr)
        return EXIT_USAGE
    if line.runs and not plan.multirun and plan.sweep.dry_run:  # a sweep's is told by the sweep
        from ingestexp.sweep.dry_run import print_run

        print_run(plan)
        return 0
    return launch(line, plan, ["python", "-m", "ingestexp", *argv], _summarize)


def _summarize(run_dir: Path) -> int:
    from ingestexp.report.summary import print_summary

    return print_summary(run_dir)


if __name__ == "__main__":
    main()
