"""What may be said about faults: one dataclass a choice of the group `fault`, of which several may be chosen.

Must live here: keys, types, defaults. Must not: range checks (`validate`), construction (`build_faults`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class FaultKind(Enum):
    poison = "poison"
    flaky_sink = "flaky_sink"
    outage = "outage"
    brownout = "brownout"
    kill = "kill"


class PoisonKind(Enum):
    not_json = "not_json"
    too_new = "too_new"


@dataclass
class FaultConfig:
    """`kind` is set by the choice (`fault=[…]`). Of its own: a node that was written to without being chosen."""


@dataclass
class PoisonFault(FaultConfig):
    """Items whose payload the sink refuses, by chance, by id, or `spread_count` of them evenly over the load's items.

    `rate` null: 0.001, or 0 where one of the others is given.
    """

    kind: FaultKind = FaultKind.poison
    rate: float | None = None
    positions: list[int] = field(default_factory=list)
    spread_count: int = 0
    kinds: list[PoisonKind] = field(default_factory=lambda: [PoisonKind.not_json])


@dataclass
class FlakySinkFault(FaultConfig):
    kind: FaultKind = FaultKind.flaky_sink
    rate: float = 0.01


@dataclass
class OutageFault(FaultConfig):
    kind: FaultKind = FaultKind.outage
    at_s: float = 1.0
    for_s: float = 1.0


@dataclass
class BrownoutFault(FaultConfig):
    kind: FaultKind = FaultKind.brownout
    at_s: float = 1.0
    for_s: float = 1.0
    factor: float = 4.0


@dataclass
class KillFault(FaultConfig):
    """The run's own process gets a SIGKILL when the sink has taken so many batches, before the last one is settled."""

    kind: FaultKind = FaultKind.kill
    after_writes: int = 100


@dataclass
class FaultSection:
    """One node a fault, in the order in which they meet an attempt; null: not chosen."""

    kill: FaultConfig | None = None
    outage: FaultConfig | None = None
    flaky_sink: FaultConfig | None = None
    brownout: FaultConfig | None = None
    poison: FaultConfig | None = None


FAULTS: dict[str, type[FaultConfig]] = {
    "kill": KillFault,
    "outage": OutageFault,
    "flaky_sink": FlakySinkFault,
    "brownout": BrownoutFault,
    "poison": PoisonFault,
}
"""The dataclass that belongs to each node."""
