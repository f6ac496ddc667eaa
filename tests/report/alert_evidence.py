"""Runs with a known instant of their SLO breach, and with samples that warn of it as they are told to.

Must live here: rows made by hand. Must not: assertions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.report.evidence import MS, SECOND, Row, batch, item, write_run, write_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

END_MS: Final = 4000
FAULT_MS: Final = 1000
STEP_MS: Final = 50
LATE_FROM_MS: Final = 2000
"""What a run that breaks its SLO is due from here on takes 200 ms: over the bound of 50 ms 50 ms later."""
NO_WARMUP: Final[Row] = {"percentile": 99.0, "bound_ms": 50.0, "warmup_s": 0.0}


def alert_run(folder: Path, breaks: bool, shows: Mapping[str, Callable[[int], int]], **changes: Any) -> Path:
    """4 s with an item every 10 ms. `shows`: what a sample's column holds, by its instant in ms."""
    rows = [_settled(i, 200 if breaks and 10 * i >= LATE_FROM_MS else 5) for i in range(END_MS // 10)]
    known: Row = {"slo": NO_WARMUP, "load_ended_at_ns": END_MS * MS, "ended_at_ns": END_MS * MS + SECOND}
    if str(changes["cell"]["stage"]).endswith("fault"):
        known["faults"] = {"brownout": {"from_ns": FAULT_MS * MS, "to_ns": END_MS * MS, "factor": 9.0}}
    run = write_run(folder, rows, _batches(), **known, **changes)
    samples = []
    for at_ms in range(0, END_MS, STEP_MS):
        shown = {name: value(at_ms) for name, value in shows.items()}
        samples.append({"at_ns": at_ms * MS, "offered": at_ms // 10, **shown})
    write_samples(run, samples)
    return run


def jump(at_ms: int, low: int, high: int) -> Callable[[int], int]:
    """What a sample shows: `high` from `at_ms` on."""
    return lambda now_ms: high if now_ms >= at_ms else low


def _settled(number: int, response_ms: int) -> Row:
    due = 10 * number * MS
    sent = due + (response_ms - 1) * MS
    stamps: Row = {"offered_at_ns": due, "admitted_at_ns": due, "first_sent_at_ns": sent, "sent_at_ns": sent}
    return item(number, due, settled_at_ns=due + response_ms * MS, batch_id=0, **stamps)


def _batches() -> list[Row]:
    """One of ten items every 100 ms, closed by its age."""
    return [
        batch(n, 10 * n, 10 * n + 9, cause="age", sent_at_ns=100 * n * MS, closed_at_ns=100 * n * MS)
        for n in range(END_MS // 100)
    ]
