"""The faults that a config chooses: built, put around a run's parts, and kept as evidence.

Must live here: schema to adapter, the named random streams of faults, what the manifest says of them. Must not: what
a fault does (`adapters.faults`), the checks (`validate_faults`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.inputs import make_load, stream
from ingestexp.experiment.schema.fault import BrownoutFault, FlakySinkFault, KillFault, OutageFault, PoisonFault
from ingestexp.experiment.schema.run import ClockKind
from ingestexp.experiment.schema.sink import SqliteSinkConfig
from ingestexp.ports import Notices

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.adapters.faults.attempt_faults import AttemptFaults
    from ingestexp.adapters.faults.poison import Poison
    from ingestexp.experiment.build import Parts
    from ingestexp.experiment.schema import RunConfig
    from ingestexp.ports import FailureModel
    from ingestexp.trace.faults import AttemptRow

DEFAULT_POISON_RATE: Final = 0.001


def build_faults(config: RunConfig) -> Faults | None:
    """None where no fault is chosen: the run is then the same as if there were no faults at all."""
    section = config.fault
    if not any((section.outage, section.flaky_sink, section.brownout, section.poison, section.kill)):
        return None
    from ingestexp.adapters.faults.attempt_faults import AttemptFaults, Brownout, FlakySink, Outage

    outage = flaky_sink = brownout = None
    if isinstance(section.outage, OutageFault):
        outage = Outage(*_span_ns(section.outage))
    if isinstance(section.flaky_sink, FlakySinkFault):
        flaky_sink = FlakySink(section.flaky_sink.rate, stream(config.seed, "flaky_sink"))
    if isinstance(section.brownout, BrownoutFault):
        brownout = Brownout(*_span_ns(section.brownout), section.brownout.factor)
    attempts = AttemptFaults(outage, flaky_sink, brownout)
    simulated = config.clock is ClockKind.simulated
    after_writes = section.kill.after_writes if isinstance(section.kill, KillFault) else None
    return Faults(attempts, _poison(config), _newer_version(config), simulated, after_writes)


def _span_ns(fault: OutageFault | BrownoutFault) -> tuple[int, int]:
    from_ns = round(fault.at_s * 1e9)
    return from_ns, from_ns + round(fault.for_s * 1e9)


def _poison(config: RunConfig) -> Poison | None:
    fault = config.fault.poison
    if not isinstance(fault, PoisonFault):
        return None
    from ingestexp.adapters.faults.poison import Poison

    positions = [*fault.positions, *_spread(config, fault.spread_count)]
    otherwise = 0.0 if positions else DEFAULT_POISON_RATE
    rate = otherwise if fault.rate is None else fault.rate
    return Poison(positions, rate, [kind.value for kind in fault.kinds], stream(config.seed, "poison"))


def _spread(config: RunConfig, count: int) -> list[int]:
    """So many ids that cut the items which the load expects into equal parts: the same share of it at any rate."""
    if not count:
        return []
    expected = getattr(make_load(config, Notices()), "expected_items", 0)
    return [expected * number // (count + 1) for number in range(1, count + 1)]


def _newer_version(config: RunConfig) -> int:
    return (config.sink.schema_version if isinstance(config.sink, SqliteSinkConfig) else 1) + 1


class Faults:
    """What was chosen. `newer_version`: by which schema a payload of the kind too_new says it was written."""

    def __init__(
        self,
        attempts: AttemptFaults,
        poison: Poison | None,
        newer_version: int,
        simulated: bool,
        kill_after_writes: int | None = None,
    ) -> None:
        self._kill_after_writes = kill_after_writes
        self._simulated = simulated
        self._attempts = attempts
        self._poison = poison
        self._newer_version = newer_version

    def around(self, parts: Parts) -> Parts:
        """The parts of a live run with the faults around sink and payloads; a simulated one asks for `modelled`."""
        if self._simulated:
            return parts
        from ingestexp.adapters.faults.faulty_sink import FaultySink
        from ingestexp.adapters.faults.poisoned_payloads import PoisonedPayloads

        payloads, sink = parts.payloads, parts.sink
        if self._poison is not None:
            payloads = PoisonedPayloads(payloads, self._poison, self._newer_version)
        if self._attempts.names:
            sink = FaultySink(sink, self._attempts)
        if self._kill_after_writes is not None:
            from ingestexp.adapters.faults.killing_sink import KillingSink

            sink = KillingSink(sink, self._kill_after_writes)
        return replace(parts, payloads=payloads, sink=sink)

    def modelled(self) -> FailureModel:
        """The same for a simulated run."""
        from ingestexp.adapters.faults.modelled import ModelledFaults

        return ModelledFaults(self._attempts, self._poison)

    def record(self, run_dir: Path | None, offered: int, base_id: int = 0) -> dict[str, Any]:
        """At the run's end: writes the table (`run_dir` None: no trace is kept), returns the manifest's section.

        Of a load of so many items, the first of which is `base_id`. Raises OSError.
        """
        rows = self._attempt_rows()
        poisoned: dict[str, int] = {}
        if run_dir is not None:
            from ingestexp.trace.faults import write_faults

            kinds = () if self._poison is None else self._poison.kinds
            poisoned_ids = () if self._poison is None else self._poison.chunks(offered)
            write_faults(run_dir, rows, ((ids + base_id, codes) for ids, codes in poisoned_ids), kinds)
        if self._poison is not None:
            poisoned = self._poison.count_by_kind(offered)
        section: dict[str, Any] = {"simulated": self._simulated, "outside_in": self._attempts.names}
        for fault, from_ns, to_ns, factor, rate, hits in rows:
            known = {"from_ns": from_ns, "to_ns": to_ns, "factor": factor, "rate": rate, "hit_count": hits}
            section[fault] = {key: value for key, value in known.items() if value is not None}
        if self._poison is not None:
            section["poison"] = {"item_count": sum(poisoned.values()), "by_kind": poisoned}
        return section

    def _attempt_rows(self) -> list[AttemptRow]:
        rows: list[AttemptRow] = []
        outage, flaky_sink, brownout = self._attempts.outage, self._attempts.flaky_sink, self._attempts.brownout
        if outage is not None:
            rows.append(("outage", outage.from_ns, outage.to_ns, None, None, outage.hits))
        if flaky_sink is not None:
            rows.append(("flaky_sink", None, None, None, flaky_sink.rate, flaky_sink.hits))
        if brownout is not None:
            rows.append(("brownout", brownout.from_ns, brownout.to_ns, brownout.factor, None, brownout.hits))
        return rows
