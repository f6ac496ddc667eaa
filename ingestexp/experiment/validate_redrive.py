"""What a redrive can't be together with.

Must live here: checks of the section `redrive` against the others. Must not: the run's folder that it names (`origin`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.experiment.mistake import Mistake
from ingestexp.experiment.schema.load import SaturateLoad
from ingestexp.experiment.schema.run import ClockKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.experiment.schema import RunConfig


def redrive_mistakes(config: RunConfig) -> Iterator[Mistake]:
    """Nothing where no redrive is asked for."""
    folder = config.redrive.folder
    if folder is None:
        return
    if not folder:
        yield Mistake("redrive.from", '""', "has to name a run's folder, as in redrive.from=runs/latest (null: none)")
    if config.clock is ClockKind.simulated:
        why = "sends nothing to a store, so nothing could be cured: a redrive needs clock=live"
        yield Mistake("clock", "simulated", why)
    if not config.trace.enabled:
        why = "keeps no dead letters: what is refused again would be lost. A redrive needs a trace"
        yield Mistake("trace.enabled", "false", why)
    if isinstance(config.load, SaturateLoad):
        why = "has no arrival times, and a redrive keeps those of its items: take another load"
        yield Mistake("load", "saturate", why)
    if getattr(getattr(config.policy, "kind", None), "value", None) == "spill":
        why = "would leave redriven items in two places if this run were killed: a redrive needs another policy"
        yield Mistake("policy", "spill", why)
    codec = getattr(getattr(getattr(config, "decode", None), "codec", None), "value", "none")
    if codec != "none":
        why = (
            "numbers its items by envelope, and a redrive needs ids above those of its dead letters: decode.codec=none"
        )
        yield Mistake("decode.codec", codec, why)
