"""Which of the ways a run's memory is limited by here.

Must live here: the order, and why a better way was not taken. Must not: the ways themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.experiment.supervisor.cgroup import ControlGroup
from ingestexp.experiment.supervisor.enclosure import (
    CGROUP_V1,
    CGROUP_V2,
    SYSTEMD_RUN,
    WAYS,
    Enclosure,
    ResourceLimit,
    Unavailable,
)
from ingestexp.experiment.supervisor.systemd_scope import SystemdScope

if TYPE_CHECKING:
    from collections.abc import Sequence


def enclose(limit_bytes: int, ways: Sequence[str] = WAYS) -> tuple[Enclosure, dict[str, str]]:
    """The first of the ways that works, and why those before it don't. Raises Unavailable where none does."""
    refused: dict[str, str] = {}
    for way in ways:
        try:
            return _made(way, limit_bytes), refused
        except Unavailable as error:
            refused[way] = str(error)
    raise Unavailable("; ".join(f"{way}: {why}" for way, why in refused.items()))


def _made(way: str, limit_bytes: int) -> Enclosure:
    if way == CGROUP_V2:
        return ControlGroup(2, limit_bytes)
    if way == CGROUP_V1:
        return ControlGroup(1, limit_bytes)
    if way == SYSTEMD_RUN:
        return SystemdScope(limit_bytes)
    return ResourceLimit(limit_bytes)
