"""`fault.poison.spread_count`: poison at the same share of the load at any rate; the cells of `experiment=poison`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingestexp.experiment.build import build
from ingestexp.experiment.build_faults import build_faults
from ingestexp.experiment.compose import plan
from ingestexp.ports import Notices

if TYPE_CHECKING:
    from pathlib import Path

CHOSEN = ["fault=[poison]", "fault.poison.spread_count=3"]


def poisoned_ids(tmp_path: Path, *overrides: str) -> list[int]:
    """What of the first 100,000 items is no JSON any more."""
    (cell,) = plan([*CHOSEN, *overrides]).cells
    faults = build_faults(cell.config)
    assert faults is not None
    payloads: Any = faults.around(build(cell.config, tmp_path, Notices())).payloads.take(0, 100_000)
    return [int(n) for n in np.flatnonzero([payload.startswith(b"!") for payload in payloads.to_pylist()])]


@pytest.mark.parametrize(("rate_per_s", "quarter"), [(10_000, 5_000), (40_000, 20_000)])
def test_the_items_are_cut_into_equal_parts(tmp_path: Path, rate_per_s: int, quarter: int) -> None:
    found = poisoned_ids(tmp_path, f"load.rate_per_s={rate_per_s}", "load.duration_s=2")
    assert found == [quarter, 2 * quarter, 3 * quarter]


def test_positions_and_chance_come_besides(tmp_path: Path) -> None:
    more = ["load=constant", "load.rate_per_s=10000", "load.duration_s=2", "fault.poison.positions=[7]"]
    assert poisoned_ids(tmp_path, *more) == [7, 5_000, 10_000, 15_000]
    assert len(poisoned_ids(tmp_path, *more, "fault.poison.rate=0.01")) > 100


@pytest.mark.parametrize("load", [["load=saturate"], ["load=replay", "load.path=README.md"]])
def test_a_load_of_unknown_length_is_refused(load: list[str]) -> None:
    found = [mistake for mistake in plan([*CHOSEN, *load]).mistakes if mistake.key == "fault.poison.spread_count"]
    assert [mistake.value for mistake in found] == ["3"]
    assert "how many items" in found[0].why


def test_every_policy_sees_each_number_of_poisoned_items_and_the_control_none() -> None:
    cells = plan(["+experiment=poison"]).cells
    found = {(cell.variant, getattr(cell.config.fault.poison, "spread_count", 0)) for cell in cells}
    policies = ("retry_batch", "skip_batch", "split_and_retry", "report_items")
    assert found == {("control", 0)} | {(policy, count) for policy in policies for count in (1, 3, 10)}
    pairs = [cell for cell in cells if cell.stage == "10 poisoned pairs"]
    assert sorted((cell.variant, cell.repeat) for cell in pairs) == [
        (variant, repeat) for variant in ("control", "split_and_retry") for repeat in range(3)
    ]
    assert len({cell.config.seed for cell in pairs}) == 3
