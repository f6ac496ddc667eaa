"""What `policy=spill` can't be together with.

Must live here: checks of its keys against the others and its folder. Must not: ranges (`limits`), the store itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ingestexp.experiment.limits import RANGES
from ingestexp.experiment.mistake import Mistake, shown
from ingestexp.experiment.schema.payload import JsonEventPayload, RandomPayload
from ingestexp.experiment.schema.pipeline import SpillPolicy
from ingestexp.experiment.schema.run import ClockKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.experiment.schema import RunConfig


def spill_mistakes(config: RunConfig) -> Iterator[Mistake]:
    """Nothing for another policy."""
    policy = config.policy
    if not isinstance(policy, SpillPolicy):
        return
    share = policy.capacity - policy.capacity // 2
    if policy.capacity < 2:
        why = "half of it is the queue's and half is for items on their way to the disk: at least 2 are needed"
        yield Mistake("policy.capacity", shown(policy.capacity), why)
    elif config.window.max_size > share:
        why = f"half of policy.capacity={policy.capacity} may wait in the queue, so a batch of this size never fills."
        yield Mistake("window.max_size", shown(config.window.max_size), f"{why} At most {share} is allowed")
    yield from _sizes(config, policy)
    if policy.spill_path is not None:
        yield from _folder(config, policy.spill_path)


def _sizes(config: RunConfig, policy: SpillPolicy) -> Iterator[Mistake]:
    if not isinstance(config.payload, JsonEventPayload | RandomPayload):
        return
    size = config.payload.size_bytes
    if policy.capacity_bytes is not None and size > policy.capacity_bytes // 2:
        why = f"half of it is less than one payload (payload.size_bytes={size}): no item could be spilled"
        yield Mistake("policy.capacity_bytes", shown(policy.capacity_bytes), why)
    if RANGES["spill_max_bytes"].holds(policy.spill_max_bytes) and size > policy.spill_max_bytes // 4:
        why = f"a quarter of it is less than one payload (payload.size_bytes={size}): no item could be spilled"
        yield Mistake("policy.spill_max_bytes", shown(policy.spill_max_bytes), why)


def _folder(config: RunConfig, path: str) -> Iterator[Mistake]:
    key, folder = "policy.spill_path", Path(path)
    if not path:
        yield Mistake(key, '""', "has to name a folder (null: spill/ inside the run folder)")
    elif config.clock is ClockKind.simulated:
        yield Mistake(key, path, "is for clock=live: a simulated spill has no files (null is allowed)")
    elif folder.exists() and not folder.is_dir():
        yield Mistake(key, path, "is not a folder")
    elif folder.is_dir() and any(folder.glob("*.spill")):
        why = "holds the spill of an earlier run, which may be the only copy of its items: name another folder"
        yield Mistake(key, path, why)
    elif folder.is_absolute() and not folder.parent.is_dir():
        yield Mistake(key, path, f"the folder {folder.parent} does not exist")
    elif folder.is_absolute() and not os.access(folder if folder.is_dir() else folder.parent, os.W_OK | os.X_OK):
        yield Mistake(key, path, "may not be written by this user")
