"""What a config may get wrong about faults: not chosen, not possible with this sink, never to happen.

Must live here: checks of the group `fault`, all of them in one pass. Must not: ranges (`limits`), construction
(`build_faults`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestexp.experiment.limits import MOST_ITEMS
from ingestexp.experiment.mistake import Mistake, shown
from ingestexp.experiment.schema.fault import (
    FAULTS,
    BrownoutFault,
    FaultConfig,
    KillFault,
    OutageFault,
    PoisonFault,
    PoisonKind,
)
from ingestexp.experiment.schema.load import RegimesLoad, ReplayLoad, SaturateLoad
from ingestexp.experiment.schema.payload import LinesPayload
from ingestexp.experiment.schema.run import ClockKind
from ingestexp.experiment.schema.sink import SqliteSinkConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.experiment.schema.run import RunConfig


def fault_mistakes(config: RunConfig) -> Iterator[Mistake]:
    for name, schema in FAULTS.items():
        node = getattr(config.fault, name)
        if node is None:
            continue
        key = f"fault.{name}"
        if type(node) is not schema:
            yield Mistake(key, "", not_chosen(key))
        elif vars(node)["kind"].value != name:
            yield Mistake(f"{key}.kind", vars(node)["kind"].value, f"is set by the choice: it stays {name}")
        else:
            yield from _of(key, node, config)


def not_chosen(key: str) -> str:
    """Why nothing can be set at this key of a fault that was not chosen."""
    name = key.removeprefix("fault.").partition(".")[0]
    if name not in FAULTS:
        return f"there is no such fault (there are: {', '.join(FAULTS)})"
    return f"{name} is not chosen: add fault=[{name}] (several: fault=[{name},…])"


def _of(key: str, node: FaultConfig, config: RunConfig) -> Iterator[Mistake]:
    if isinstance(node, PoisonFault):
        yield from _poison(node, config)
    if isinstance(node, KillFault) and config.clock is ClockKind.simulated:
        yield Mistake(key, "", "kills a process that works in real time: it needs clock=live")
    if isinstance(node, OutageFault | BrownoutFault):
        ends_s = _load_ends_s(config)
        if ends_s is not None and node.at_s >= ends_s:
            why = f"is not before the end of the load, {shown(ends_s)} s: it would never happen"
            yield Mistake(f"{key}.at_s", shown(node.at_s), why)
    if isinstance(node, BrownoutFault) and 0 < node.factor < 1:
        yield Mistake(f"{key}.factor", shown(node.factor), "must be at least 1: below that writes would be faster")


def _load_ends_s(config: RunConfig) -> float | None:
    if isinstance(config.load, RegimesLoad):
        return sum(regime.duration_s for regime in config.load.regimes)
    return getattr(config.load, "duration_s", None)


def _poison(poison: PoisonFault, config: RunConfig) -> Iterator[Mistake]:
    for index, position in enumerate(poison.positions):
        if not 0 <= position < MOST_ITEMS:
            why = f"must be the id of an item: at least 0 and below {MOST_ITEMS:,}"
            yield Mistake(f"fault.poison.positions[{index}]", shown(position), why)
    if poison.spread_count and isinstance(config.load, ReplayLoad | SaturateLoad):
        why = "needs a load that says beforehand how many items it has: constant, poisson, bursty, ramp, regimes"
        yield Mistake("fault.poison.spread_count", str(poison.spread_count), why)
    if not poison.kinds or len(set(poison.kinds)) < len(poison.kinds):
        kinds = "[" + ",".join(kind.value for kind in poison.kinds) + "]"
        yield Mistake("fault.poison.kinds", kinds, "needs one of not_json, too_new, or both, each once")
    sink = config.sink
    if config.clock is ClockKind.simulated:
        return  # the model refuses them
    if not (isinstance(sink, SqliteSinkConfig) and sink.check_json):
        kind = getattr(getattr(sink, "kind", None), "value", "?")
        given = "sink.check_json=false" if isinstance(sink, SqliteSinkConfig) else f"sink={kind}"
        why = f"needs a sink that refuses payloads, and {given} takes any: choose sink=sqlite with sink.check_json=true"
        yield Mistake("fault", "[poison]", f"{why} (or clock=simulated, where the model refuses them)")
    if PoisonKind.too_new in poison.kinds and isinstance(config.payload, LinesPayload):
        why = "too_new is made in the size of the item, which a line may be too short for: take payload=json_event"
        yield Mistake("fault.poison.kinds", "too_new", why)
