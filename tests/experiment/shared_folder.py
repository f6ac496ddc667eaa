"""A stranger's folder of shared YAML, to compose from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from ingestexp.experiment.compose import Plan, plan

if TYPE_CHECKING:
    from pathlib import Path

GLOBAL: Final = "# @package _global_\n"


class Shared:
    """A stranger's folder with one experiment, and a place where an attack would leave its mark."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shared"
        self.mark = folder / "mark"
        (self.folder / "experiment").mkdir(parents=True)

    def write(self, text: str, name: str = "experiment/theirs.yaml") -> Shared:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("MARK", str(self.mark)))
        return self

    def plan(self, *overrides: str, multirun: bool = False) -> Plan:
        return plan(["+experiment=theirs", *overrides], multirun, self.folder)

    def refused(self, *overrides: str) -> str:
        before = sorted(os.walk(self.folder.parent))
        found = self.plan(*overrides)
        assert found.mistakes != []
        assert not self.mark.exists()
        assert sorted(os.walk(self.folder.parent)) == before, "an attack left something behind"
        return "\n".join(f"{mistake.subject}: {mistake.why}" for mistake in found.mistakes)
