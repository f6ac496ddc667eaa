"""Tables that count from what was counted once say the same as those that count item by item.

Must live here: that comparison over hand-made evidence of every kind, one run and several at a time. Must not: what the
tables should say (their own tests).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingestexp.experiment.paths import ANALYSIS
from ingestexp.report.evidence import Answers
from tests.report.evidence import MS, failing, growing, item, late_generator, paced_rows, passing, write_run

if TYPE_CHECKING:
    from pathlib import Path

APPROXIMATE = ("median_service_ns", "stall_count", "stall_cycle_ns")
"""Of `run_extent`: by a t-digest, which does not repeat itself to the last digit."""


def lossy(folder: Path) -> Path:
    """Drops, dead letters, an attempt in flight at the end, and two phases."""
    rows, sent = paced_rows(2_000, lambda number: 2.0 + number % 7)
    for row in rows:
        row["phase"] = "low" if row["item_id"] < 700 else "high"
        if row["item_id"] % 10 == 3:
            row.update(outcome="dropped", reason="overflow_newest", batch_id=None, attempt_count=0)
            row.update(admitted_at_ns=None, first_sent_at_ns=None, sent_at_ns=None)
        elif row["item_id"] % 50 == 7:
            row.update(outcome="dead_lettered", reason="rejected", attempt_count=3)
        elif row["item_id"] > 1_990:
            row.update(outcome="unsettled", reason="in_flight", settled_at_ns=None)
    rows.append(item(2_000, 1_000 * MS, outcome="unsettled", reason="blocked", attempt_count=0))
    return write_run(folder, rows, sent)


TABLES = sorted(file for file in (ANALYSIS / "tables").glob("*.sql") if not file.stem.startswith("paired_"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    kinds = (passing, failing, late_generator, growing, lossy)
    return [make(folder / f"{number:04d}") for number, make in enumerate(kinds)]


def comparable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In an order of their own, floats to nine digits: sums over another grouping round differently."""
    shown = [
        {
            name: float(f"{value:.9g}") if isinstance(value, float) else value
            for name, value in row.items()
            if name not in (*APPROXIMATE, "run")
        }
        for row in rows
    ]
    return sorted(shown, key=repr)


@pytest.mark.parametrize("table", TABLES, ids=lambda file: file.stem)
@pytest.mark.parametrize("chosen", ["each", "all"])
def test_a_table_says_the_same_after_counting_once(runs: list[Path], table: Path, chosen: str) -> None:
    for folders in [[run] for run in runs] if chosen == "each" else [runs]:
        with Answers(folders) as answers:
            name = f"tables/{table.name}"
            plain = answers.rows(name)
            answers.count_once()
            assert comparable(answers.rows(name)) == comparable(plain)


def test_what_was_counted_is_not_used_for_another_warm_up(runs: list[Path]) -> None:
    with Answers([runs[1]]) as answers:
        answers.count_once()
        answers.set("warmup_ns", f"{4_000 * MS}::BIGINT")
        counted = answers.rows("tables/latency_quantiles.sql")
    with Answers([runs[1]]) as answers:
        answers.set("warmup_ns", f"{4_000 * MS}::BIGINT")
        assert comparable(answers.rows("tables/latency_quantiles.sql")) == comparable(counted)
