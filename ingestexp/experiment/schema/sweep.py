"""What may be said about many runs at once: the sections `sweep` and `experiment`.

Must live here: keys, types, defaults. Must not: cells (`cells`), Hydra, range checks. Neither section is part of a
run: its config hash does not know them, so that more repeats or another criterion leave finished cells alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass
class RateFrom:
    """`load.rate_per_s` = factor x the committed items/s that an earlier stage measured for one of its variants."""

    stage: str = ""
    variant: str = ""
    factor: float = 1.0


@dataclass
class RedriveFrom:
    """`redrive.from` = the run of an earlier stage, of the same repeat; `variant` null: of the same variant."""

    stage: str = ""
    variant: str | None = None


@dataclass
class StageConfig:
    """Cells that are through before the next stage's begin. `variants` null: all of them.

    `decided_by` names a decision (`window`) that is taken from the stages before and sets keys of this one's cells.
    """

    name: str = ""
    variants: list[str] | None = None
    overrides: list[str] = field(default_factory=list)
    grid: dict[str, list[Any]] = field(default_factory=dict)
    repeats: int | None = None
    rate_from: RateFrom | None = None
    redrive_from: RedriveFrom | None = None
    decided_by: str | None = None


@dataclass
class SweepSection:
    """`variants`: name -> overrides; `grid`: key -> values; `exclusive` null: live runs of a durable sink go alone."""

    variants: dict[str, list[str]] = field(default_factory=dict)
    grid: dict[str, list[Any]] = field(default_factory=dict)
    stages: list[StageConfig] = field(default_factory=list)
    repeats: int = 1
    resume: bool = True
    dry_run: bool = False
    exclusive: bool | None = None
    cores_per_run: int = 2
    address: str = "local"
    rerun_disturbed: bool = True


class Judge(Enum):
    """`every`: each row of the query has to hold. `mean`: the t interval of the rows' mean. `ratio`: of log-ratios."""

    every = "every"
    mean = "mean"
    ratio = "ratio"


@dataclass
class CriterionConfig:
    """`query` names a file of analysis/acceptance/, whose rows have a column `value`; the bounds are inclusive."""

    name: str = ""
    says: str = ""
    query: str = ""
    judge: Judge = Judge.every
    at_least: float | None = None
    at_most: float | None = None


@dataclass
class ExperimentSection:
    """A named question. `tables` names files of analysis/tables/ to print, in order.

    `may_be_oom_killed` names variants whose cells count as finished also where the kernel kills them at their limit.
    """

    name: str = ""
    question: str = ""
    tables: list[str] = field(default_factory=list)
    may_be_oom_killed: list[str] = field(default_factory=list)
    acceptance: list[CriterionConfig] = field(default_factory=list)
