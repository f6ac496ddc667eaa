"""The summary's line about what was done on purpose."""

from __future__ import annotations

from ingestexp.report.fault_lines import fault_lines


def test_every_fault_is_told_with_what_it_did() -> None:
    faults = {
        "simulated": False,
        "outside_in": ["outage", "flaky_sink", "brownout"],
        "outage": {"from_ns": 1_000_000_000, "to_ns": 2_500_000_000, "hit_count": 1063},
        "flaky_sink": {"rate": 0.01, "hit_count": 1},
        "brownout": {"from_ns": 0, "to_ns": 500_000_000, "factor": 4.0, "hit_count": 61},
        "poison": {"item_count": 12, "by_kind": {"not_json": 12, "too_new": 0}},
    }
    (line,) = fault_lines(faults)
    assert line.plain.split("   ") == [
        "outage 1 to 2.5 s, 1,063 attempts refused",
        "flaky_sink at 1%, 1 attempt failed",
        "brownout 0 to 0.5 s, 61 writes 4 × as long",
        "poison in 12 items (not_json 12)",
    ]


def test_a_run_without_faults_has_no_such_line() -> None:
    assert fault_lines(None) == []
    assert fault_lines({}) == []
