"""The summary says what the evidence deserves.

Must live here: key facts of its text and its exit code. Must not: pixel snapshots.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from ingestexp.report.evidence import EvidenceError, open_evidence
from ingestexp.report.figures import Figures, figures_of
from ingestexp.report.hints import BLAMED, again
from ingestexp.report.summary import print_summary, show
from tests.report.evidence import (
    MS,
    SECOND,
    batch,
    failing,
    growing,
    inconclusive,
    late_generator,
    paced_rows,
    passing,
    write_run,
)
from tests.report.evidence import manifest as manifest_of

if TYPE_CHECKING:
    from pathlib import Path


def text_of(run_dir: Path, expected_code: int) -> str:
    out = io.StringIO()
    code = show(run_dir, Console(file=out, width=120, highlight=False))
    assert code == expected_code, out.getvalue()
    return out.getvalue()


def line_of(text: str, label: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(label))


def figures(run_dir: Path) -> Figures:
    with open_evidence(run_dir) as evidence:
        return figures_of(evidence)


def test_a_run_within_its_bound_passes(tmp_path: Path) -> None:
    text = text_of(passing(tmp_path / "run"), 0)
    assert "offered 10,000   committed 10,000 (100%)" in text
    assert "9,000 items, due after the 0.5 s warm-up" in text
    assert re.search(r"verdict   PASS   p99 6\.50 ms .* bound 50\.0 ms", text)
    assert "over the bound: 0 of 9,000 items" in text
    assert "balanced by id" in text
    assert "read back 10,000 = committed" in text
    assert "1,000 commits, 10.0 items a commit" in text
    assert "0.1 commits, 0.1 fsyncs, 0 round trips, 0.3 write syscalls" in text
    assert re.search(r"max_size 10\s+1,000  █+", text)
    assert "steady" in line_of(text, "backlog")
    assert "does not matter" in line_of(text, "generator")
    assert "\x1b" not in text
    assert len(text.splitlines()) <= 45


def test_response_and_service_stand_side_by_side(tmp_path: Path) -> None:
    text = text_of(passing(tmp_path / "run"), 0)
    response = next(line for line in text.splitlines() if "settled - intended" in line).split()
    service = next(line for line in text.splitlines() if "settled - sent" in line).split()
    assert response[1:6] == ["4.00", "6.50", "6.50", "6.50", "6.50"]
    assert service[1:6] == ["2.00"] * 5


def test_a_run_over_its_bound_fails(tmp_path: Path) -> None:
    text = text_of(failing(tmp_path / "run"), 1)
    assert "verdict   FAIL   p99 84." in text
    assert "over the bound: 900 of 9,000 items, 10%" in text


def test_an_interval_that_straddles_says_how_much_more(tmp_path: Path) -> None:
    text = text_of(inconclusive(tmp_path / "run"), 1)
    assert "verdict   INCONCLUSIVE" in text
    assert re.search(r"straddles the 1% allowed: .* would settle it", text)


def test_lateness_that_decides_makes_it_invalid(tmp_path: Path) -> None:
    text = text_of(late_generator(tmp_path / "run"), 1)
    assert "verdict   INVALID" in text
    assert "without it the verdict would be PASS" in text
    assert "load.rate_per_s=1000" in line_of(text, "next")


@pytest.mark.parametrize(
    ("check", "change", "said"),
    [
        ("ledger", {"balanced": False, "missing_ids": 3}, "DOES NOT BALANCE: 3 ids missing"),
        ("readback", {"ok": False, "missing": 2}, "2 missing"),
    ],
)
def test_a_broken_self_check_makes_it_invalid(tmp_path: Path, check: str, change: dict[str, Any], said: str) -> None:
    items, batches = paced_rows(10_000, lambda _: 2.0)
    checks = manifest_of(items)["self_checks"]
    checks[check] |= change
    text = text_of(write_run(tmp_path / "run", items, batches, self_checks=checks), 1)
    assert "verdict   INVALID" in text
    assert said in text


def test_a_growing_backlog_fails_and_its_latency_is_a_lower_bound(tmp_path: Path) -> None:
    text = text_of(growing(tmp_path / "run"), 1)
    assert re.search(r"verdict   FAIL   p99 ≥ [\d,]+ ms and growing", text)
    assert "GROWS by" in line_of(text, "backlog")
    assert "unsettled queued" in text
    assert "window.max_size=64" in line_of(text, "next")
    assert re.search(r"response .*≥ .*and growing", text)


def test_blame_sums_to_the_response(tmp_path: Path) -> None:
    for make in (passing, failing, growing, late_generator):
        blame = figures(make(tmp_path / make.__name__)).blame
        assert blame is not None
        parts = [blame[f"{part}_ns"] for part in BLAMED]
        assert sum(parts) == pytest.approx(blame["response_ns"])
        assert min(parts) >= 0


def test_a_simulated_run_is_labelled(tmp_path: Path) -> None:
    assert "SIMULATED" in text_of(passing(tmp_path / "run", clock="simulated"), 0)
    sink = {"name": "model", "durable": False, "simulated": True}
    assert "SIMULATED" in text_of(passing(tmp_path / "other", sink=sink), 0)


def test_a_repeated_id_is_shown_and_invalid(tmp_path: Path) -> None:
    items, batches = paced_rows(10_000, lambda _: 2.0)
    items[-1]["item_id"] = 5
    text = text_of(write_run(tmp_path / "run", items, batches), 1)
    assert "conservation: 2 rows offend, e.g. problem=missing id" in text
    assert "INVALID" in text


def test_failed_attempts_are_retry_time_and_a_cause_of_their_own(tmp_path: Path) -> None:
    items, batches = paced_rows(10_000, lambda _: 2.0)
    second = batch(1_000, 5_000, 5_009, cause="retry", attempt=2, parent_batch_id=500, **_times(batches[500], 90 * MS))
    batches[500].update(outcome="failed", next_attempt_at_ns=second["sent_at_ns"])
    for row in items[5_000:5_010]:
        row.update(
            sent_at_ns=second["sent_at_ns"], settled_at_ns=second["settled_at_ns"], batch_id=1_000, attempt_count=2
        )
    found = figures(write_run(tmp_path / "run", items, [*batches, second]))
    assert found.violations == []
    assert {row["flush_cause"] for row in found.batch_sizes} == {"size", "retry"}
    assert found.latency[("response", "max")]["value_ns"] == (90 + 2 + 4.5) * MS


def _times(failed: dict[str, Any], later: int) -> dict[str, Any]:
    keys = ("sent_at_ns", "settled_at_ns")
    return {name: failed[name] + later for name in keys} | {"closed_at_ns": failed["closed_at_ns"]}


def test_without_a_trace_there_is_nothing_to_judge(tmp_path: Path) -> None:
    config = {**manifest_of([])["config"], "trace": {"enabled": False}}
    counters = {"offered": 500, "committed": 500, "dropped": 0, "dead_lettered": 0, "unsettled": 0}
    counters |= {"batches": 5, "commits": 5}
    run = write_run(tmp_path / "run", [], config=config, counters=counters, self_checks={}, ended_at_ns=SECOND)
    text = text_of(run, 1)
    assert "committed 500 (100%)" in text
    assert "500 committed/s (1 s)" in text
    assert "the trace was off" in text
    assert "5 batches sent (0 not committed), 5 commits, 100.0 items a commit" in text


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert print_summary(tmp_path / "nowhere") == 1
    assert "no such folder" in capsys.readouterr().err
    with pytest.raises(EvidenceError, match=r"manifest\.json"):
        open_evidence(tmp_path)


def test_an_output_without_blocks_gets_ascii(tmp_path: Path) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    show(growing(tmp_path / "run"), Console(file=out, width=120))
    out.flush()
    assert b"p99 >= " in raw.getvalue()
    assert b"####" in raw.getvalue()


def test_the_next_command_replaces_the_setting_that_was_given() -> None:
    command = ["python", "-m", "ingestexp", "window.max_size=1", "seed=3"]
    assert again(command, "window.max_size=64") == ["python", "-m", "ingestexp", "seed=3", "window.max_size=64"]


def test_the_next_command_does_not_point_into_the_folder_of_this_run() -> None:
    command = ["python", "-m", "ingestexp", "hydra.run.dir=runs/mine", "seed=3"]
    assert again(command, "window.max_size=64") == ["python", "-m", "ingestexp", "seed=3", "window.max_size=64"]
