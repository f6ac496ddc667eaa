"""From `policy=spill` to its rules and its store.

Must live here: where the spill lies, how long its segments are. Must not: range checks (`validate`), the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ingestexp.core.spilling import SpillRules
from ingestexp.experiment.schema.pipeline import SpillPolicy, SpillThen
from ingestexp.experiment.schema.run import ClockKind

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.experiment.schema import RunConfig
    from ingestexp.spill_port import SpillStore

FOLDER: Final = "spill"
SEGMENTS: Final = 16
"""A spill has about so many files: the smaller each, the sooner its bytes are free again."""
SMALLEST_SEGMENT_BYTES: Final = 1 << 18
LARGEST_SEGMENT_BYTES: Final = 64 << 20


@dataclass(slots=True)
class Spilling:
    """`store` None: the simulated clock keeps spans in memory and says so (`figures`)."""

    rules: SpillRules
    store: SpillStore | None
    figures: dict[str, object] = field(default_factory=dict)

    def close(self) -> dict[str, object]:
        """What the manifest says of it."""
        if self.store is not None:
            self.figures = self.store.describe()
            self.store.close(tidy=True)
        return self.figures


def make_spill(config: RunConfig, run_dir: Path) -> Spilling | None:
    """None for every other policy. A relative path lies in the run folder. Raises SpillError, OSError."""
    policy = config.policy
    if not isinstance(policy, SpillPolicy):
        return None
    rules = SpillRules(policy.spill_max_bytes, drops=policy.spill_then is SpillThen.drop_newest)
    if config.clock is ClockKind.simulated:
        return Spilling(rules, None)
    from ingestexp.adapters.spill.queue import SpillQueue

    segment_bytes = max(SMALLEST_SEGMENT_BYTES, min(LARGEST_SEGMENT_BYTES, policy.spill_max_bytes // SEGMENTS))
    return Spilling(rules, SpillQueue(run_dir / (policy.spill_path or FOLDER), policy.spill_max_bytes, segment_bytes))
