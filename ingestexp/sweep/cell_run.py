"""One cell in the process at hand: its folder, Hydra's files in it, the run.

Must live here: what a cell's run has that a single run gets from Hydra. Must not: which process this is (`worker`,
`template`), Ray.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import pkgutil
import traceback
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]

from ingestexp import adapters
from ingestexp.experiment.manifest import host_facts, plain_config
from ingestexp.experiment.schema.run import ClockKind, Progress
from ingestexp.experiment.source_code import code_version
from ingestexp.experiment.supervisor.supervise import carry_out
from ingestexp.sweep.fate import LOG_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.sweep.job import CellJob, SweepOrder

EXIT_FAILED = 3

_Dumper: Any = type("_Dumper", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {"ignore_aliases": lambda *_: True})


def import_everything() -> None:
    """What runs import on their way: a process that is warm does it before the first measurement, not beside one."""
    import pyarrow.compute
    import pyarrow.parquet  # noqa: F401

    for module in pkgutil.walk_packages(adapters.__path__, f"{adapters.__name__}."):
        importlib.import_module(module.name)


class CellRunner:
    """Runs cells of one sweep, one after the other; keeps what their `.hydra/` have in common."""

    def __init__(self, order: SweepOrder) -> None:
        self._order = order
        host_facts(order.folder), code_version()  # kept from now on: of this process, not of its pinned children
        varying = ("job", "overrides", "runtime")
        self._same = dump({key: value for key, value in order.hydra_node.items() if key not in varying}, 2)

    def run(self, job: CellJob) -> int:
        """The run's exit code, verdicts aside. Never raises an Exception: the manifest and `run.log` say what was."""
        run_dir = self._order.run_dir(job)
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            self._leave_hydra_files(job, run_dir)
            config = dataclasses.replace(job.config, progress=Progress.off)  # the sweep has a line of its own
            cell = self._order.cell_facts(job)
            if job.config.clock is ClockKind.live:
                cell["cores"] = sorted(os.sched_getaffinity(0))
            result = carry_out(config, run_dir, self._order.command, cell)
        except Exception as error:
            self._log(run_dir, "".join(traceback.format_exception(error)))
            return EXIT_FAILED
        if result.status == "failed":
            self._log(run_dir, f"ingestexp: the run failed: {result.reason}\n")
        return result.exit_code

    def _leave_hydra_files(self, job: CellJob, run_dir: Path) -> None:
        """config.yaml (resolved), overrides.yaml and hydra.yaml, as Hydra would: 0.5 ms instead of its 3.4."""
        node = self._order.hydra_node
        varying = {
            "job": {**node.get("job", {}), "num": job.number, "id": job.folder},
            "overrides": {**node.get("overrides", {}), "task": job.overrides},
            "runtime": {**node.get("runtime", {}), "output_dir": str(run_dir)},
        }
        files = run_dir / ".hydra"
        files.mkdir(exist_ok=True)
        (files / "config.yaml").write_text(dump(plain_config(job.config)), encoding="utf-8")
        (files / "overrides.yaml").write_text(dump(job.overrides), encoding="utf-8")
        (files / "hydra.yaml").write_text(f"hydra:\n{self._same}{dump(varying, 2)}", encoding="utf-8")

    @staticmethod
    def _log(run_dir: Path, text: str) -> None:
        try:
            with (run_dir / LOG_NAME).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            pass  # the disk is full: the manifest says so, or nobody can


def dump(value: Any, indent: int = 0) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, sort_keys=False)
    return "".join(f"{' ' * indent}{line}" for line in text.splitlines(keepends=True)) if indent else text
