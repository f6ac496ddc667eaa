"""Sweeps of the write-up's four experiments, tiny and made by hand, whose figures are known.

Must live here: cells and their rows. Must not: assertions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.report.alert_evidence import alert_run, jump
from tests.report.evidence import MS, Row, item, manifest, paced_rows, write_run
from tests.report.sweeps import Cell, criterion, write_sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SLO: Final[Row] = {"percentile": 99.0, "bound_ms": 50.0, "warmup_s": 0.0, "confidence": 0.95}


def before_after(folder: Path, batch_size: int = 20, acceptance: Sequence[Row] = (), **changes: Any) -> Path:
    """At the same load one fsync an item against one for `batch_size`; a batch takes 1 ms + 0.1 ms an item."""

    def same_load(size: int) -> Callable[..., Path]:
        return lambda run, **how: _paced(run, size, 2 * size, **{**how, **changes})

    def saturated(size: int) -> Callable[..., Path]:
        load = {"phases": ["steady"], "duration_ns": 10**9, "expected_items": 200, "saturate": True}
        return lambda run, **how: _paced(run, size, 1, load=load, load_ended_at_ns=10**9, **{**how, **changes})

    cells = [
        Cell(saturated(1), "per_item", "capacity"),
        Cell(saturated(5), "five", "capacity"),
        Cell(saturated(batch_size), "batched", "capacity"),
        Cell(same_load(1), "per_item", "same load"),
        Cell(same_load(batch_size), "batched", "same load"),
    ]
    holds = criterion("commits_per_item_ratio", at_least=5)
    return _sweep(folder, "before_after", cells, acceptance or [holds])


def _paced(run: Path, size: int, gap_ms: float, **changes: Any) -> Path:
    """200 items in batches of `size`, due every `gap_ms` / `size`."""
    rows = paced_rows(200, lambda _: 1.0 + 0.1 * size, gap_ms=gap_ms / size, batch_size=size)
    return write_run(run, *rows, slo=SLO, **changes)


def window_tuning(folder: Path, broken: Sequence[str] = ("1",), **changes: Any) -> Path:
    """Windows of 1, 10 and 20 items under two loads. Those of `broken` take 80 ms, the others 2; 20 commits least."""

    def tuned(size: int) -> Callable[..., Path]:
        service = 80.0 if str(size) in broken else 2.0
        return lambda run, **how: write_run(
            run, *paced_rows(400, lambda _: service, batch_size=size), slo=SLO, **{**how, **changes}
        )

    cells = [
        Cell(tuned(size), f"{size}", f"tune {load}", window=(size, 5.0))
        for load in ("peak", "low")
        for size in (1, 10, 20)
    ]
    if len(broken) < 3:
        cells.append(Cell(tuned(20), "chosen", "validate peak", window=(20, 5.0)))
    return _sweep(folder, "window_tuning", cells, [criterion("window_validates", at_least=1)])


def overflow_choice(folder: Path, response_ms: int = 40, lost: int = 30, **changes: Any) -> Path:
    """Of 100 items `block` keeps all, answered within `response_ms`; `drop_newest` drops some, the others take 3 ms."""

    def kept(policy: str, takes_ms: int, dropped: int) -> Callable[..., Path]:
        rows = [_answered(i, takes_ms) for i in range(100 - dropped)]
        rows += [
            item(i, i * MS, outcome="dropped", reason="overflow_newest", settled_at_ns=i * MS)
            for i in range(100 - dropped, 100)
        ]
        config = manifest([])["config"] | {"policy": {"kind": policy, "capacity": 200}}
        return lambda run, **how: write_run(run, rows, **{"slo": SLO, **how, "config": config, **changes})

    cells = [
        Cell(kept("block", response_ms, 0), "block", "bursts"),
        Cell(kept("drop_newest", 3, lost), "drop_newest", "bursts"),
    ]
    return _sweep(folder, "overflow_choice", cells, [criterion("overflow_choice_bites", at_least=0.01)])


def _answered(number: int, response_ms: int) -> Row:
    due, done = number * MS, (number + response_ms) * MS
    stamps: Row = {"offered_at_ns": due, "admitted_at_ns": due, "first_sent_at_ns": done - MS, "sent_at_ns": done - MS}
    return item(number, due, settled_at_ns=done, batch_id=0, **stamps)


def alerting(folder: Path, depth_from_ms: int = 1500, live: bool = True) -> Path:
    """The SLO breaks at 2100 ms; the depth is above its healthy 7 from `depth_from_ms` on, the lag too late."""
    cells = []
    for stage in ("train healthy", "train fault", "test healthy", "test fault"):
        is_faulty = stage.endswith("fault")
        shows = {
            "depth_items": jump(depth_from_ms if is_faulty else 9999, 7, 8),
            "lag_items": jump(2500 if is_faulty else 9999, 3, 9),
        }
        for clock in ("simulated", "live") if live else ("simulated",):
            name = stage if clock == "simulated" else f"{stage.split()[0]} live {stage.split()[1]}"
            cells.append(Cell(_warning(is_faulty, shows, clock), "any", name))
    return _sweep(folder, "alerting", cells, [criterion("alerting_lead", at_least=20)])


def _warning(is_faulty: bool, shows: dict[str, Callable[[int], int]], clock: str) -> Callable[..., Path]:
    return lambda run, **how: alert_run(run, is_faulty, shows, clock=clock, **how)


def _sweep(folder: Path, name: str, cells: Sequence[Cell], acceptance: Sequence[Row]) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    facts: Row = {"name": name, "question": "", "tables": [], "acceptance": list(acceptance)}
    return write_sweep(folder, cells, experiment=facts, started_at=folder.name)
