"""Hands a checked command line over to Hydra and collects how the runs ended.

Must live here: the task function of a single run, what a sweeper of ours can't be given through Hydra, exit codes.
Must not: checks (`check`), the run (`run`), the summary (`report`, which stands above and comes in as a callback),
sweeps (`sweep`, which Hydra calls through our plugin).
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from ingestexp.experiment.explain import explain
from ingestexp.experiment.guard import confine
from ingestexp.experiment.mistake import screen
from ingestexp.experiment.paths import CONF
from ingestexp.experiment.schema.store import register
from ingestexp.experiment.session import typed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestexp.experiment.command_line import CommandLine
    from ingestexp.experiment.compose import Plan

EXIT_OK, EXIT_VERDICT, EXIT_USAGE, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 2, 3, 130


@dataclass(slots=True)
class Handover:
    """What goes past Hydra: the checked command line for our sweeper, and back how its runs ended."""

    line: CommandLine
    plan: Plan
    command: list[str]
    codes: list[int] = field(default_factory=list)


handed_over: list[Handover] = []
"""The command line that Hydra is at work on: one or none."""


def launch(line: CommandLine, plan: Plan, command: list[str], summarize: Callable[[Path], int]) -> int:
    """The exit code of all runs together. `summarize` gets each run's folder and returns its verdict's code."""
    handover = Handover(line, plan, command)
    codes = handover.codes
    handed_over[:] = [handover]

    def task(composed: Any) -> None:
        """Never raises for what happens to a run: Hydra's sweeper would give up all the others."""
        try:
            code = _one_run(composed, plan, line, command, summarize)
        except Exception as error:
            code = unforeseen(error)
        codes.append(code)
        if code == EXIT_INTERRUPTED:
            raise KeyboardInterrupt  # the rest of a sweep is not wanted any more

    register()
    OmegaConf.clear_resolver("oc.env")
    sys.argv = [sys.argv[0], *_as_sweep(line, plan)]
    decorated = hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")(task)
    try:
        with _without_schemas() if "--help" in line.argv else nullcontext():
            decorated()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_OK
    except BrokenPipeError:
        raise
    except OSError as error:
        if line.runs and error.errno is not None:  # between the check and now: the disk is full, the folder gone
            where = f": {error.filename}" if error.filename else ""
            print(f"ingestexp: the run folder can't be written: {error.strerror}{where}", file=sys.stderr)
            return EXIT_FAILED
        return _refuse(error)
    except Exception as error:
        return _refuse(error)
    return overall(codes)


def _as_sweep(line: CommandLine, plan: Plan) -> list[str]:
    """A config that asks for several runs is a sweep without `-m` as well."""
    argv = [word for word in line.argv if word not in plan.of_stages]
    if not (line.runs and plan.multirun) or line.multirun:
        return argv
    return ["--multirun", *(word for word in argv if word != "--run")]


def overall(codes: list[int]) -> int:
    """The worst of them: interrupted, failed, refused, verdict, fine."""
    worst_first = (EXIT_INTERRUPTED, EXIT_FAILED, EXIT_USAGE, EXIT_VERDICT)
    return next((code for code in worst_first if code in codes), EXIT_OK)


def _one_run(composed: Any, plan: Plan, line: CommandLine, command: list[str], summarize: Callable[[Path], int]) -> int:
    from ingestexp.experiment.supervisor.supervise import carry_out

    config = typed(composed)
    confine(config, plan.typed_keys, line.foreign)
    run_dir = Path(HydraConfig.get().runtime.output_dir)
    result = carry_out(config, run_dir, command)
    if result.status == "failed":
        print(f"ingestexp: the run failed: {result.reason}\n  evidence so far: {near(run_dir)}", file=sys.stderr)
        return result.exit_code
    verdict = summarize(run_dir)
    return result.exit_code or verdict


def unforeseen(error: Exception) -> int:
    """One line; the traceback only for who asks."""
    if os.environ.get("INGESTEXP_DEBUG") == "1":
        traceback.print_exception(error)
    print(f"ingestexp: {type(error).__name__}: {error} (INGESTEXP_DEBUG=1 shows where)", file=sys.stderr)
    return EXIT_FAILED


@contextmanager
def _without_schemas() -> Iterator[None]:
    """Hydra's list of groups names the schemas too, which are not for picking."""
    shown = io.StringIO()
    try:
        with redirect_stdout(shown):
            yield
    finally:
        print("\n".join(line for line in shown.getvalue().splitlines() if not line.startswith("schema")))


def _refuse(error: Exception) -> int:
    print(screen([explain(error)]), file=sys.stderr)
    return EXIT_USAGE


def near(path: Path) -> Path:
    """Relative to the working folder, if it lies within it."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
