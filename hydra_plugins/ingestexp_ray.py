"""Hydra accepts sweepers and launchers from this namespace only: the two of ingestexp, which hand over to it.

Must live here: Hydra's interface. Must not: anything else (`ingestexp.sweep`). Hydra imports this file at every start,
so nothing heavy may be imported at its top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig


class IngestexpSweeper(Sweeper):
    """The default of `-m`: all cells of the plan, stage by stage, on Ray."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context = hydra_context
        self.config = config

    def sweep(self, arguments: list[str]) -> Any:
        from ingestexp.sweep.entry import sweep_from_hydra

        assert self.config is not None
        return sweep_from_hydra(self.config)


class IngestexpLauncher(Launcher):
    """For who picks another sweeper (`hydra/sweeper=basic`, an optimizer): its jobs, on Ray."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Any:
        from ingestexp.sweep.entry import launch_from_hydra

        return launch_from_hydra(self.config, job_overrides, initial_job_idx)


# Plain nodes: Hydra imports this file without a name in sys.modules, which dataclasses need.
for group, name in (("sweeper", "IngestexpSweeper"), ("launcher", "IngestexpLauncher")):
    node = {"_target_": f"hydra_plugins.ingestexp_ray.{name}"}
    ConfigStore.instance().store(group=f"hydra/{group}", name="ingestexp", node=node, provider="ingestexp")
