"""What goes with which clock.

Must live here: contradictions between `clock` and the rest of the typed config. Must not: ranges, other contradictions
(`validate`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.experiment.mistake import Mistake, shown
from ingestexp.experiment.schema.load import SaturateLoad
from ingestexp.experiment.schema.run import ClockKind
from ingestexp.experiment.schema.sink import ModelSinkConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.experiment.schema.run import RunConfig


def clock_mistakes(config: RunConfig) -> Iterator[Mistake]:
    if config.clock is not ClockKind.simulated:
        return
    if not isinstance(config.sink, ModelSinkConfig):
        kind = shown(getattr(getattr(config.sink, "kind", None), "value", "?"))
        yield Mistake("clock", "simulated", f"needs a modelled cost: sink=model (sink={kind} takes real time)")
    if isinstance(config.load, SaturateLoad):
        why = "can't be combined with load=saturate: in virtual time nothing limits how fast the queue is filled"
        yield Mistake("clock", "simulated", why)
    if config.memory.limit_mb is not None:
        why = "is for clock=live: simulated items have sizes but no payloads, so such a run's memory says nothing"
        yield Mistake("memory.limit_mb", shown(config.memory.limit_mb), f"{why}; null is allowed")
