"""Which cells run once more beside the disturbed ones."""

from __future__ import annotations

from typing import Any

import pytest

from ingestexp.sweep.turns import to_run_again


def rows(*variants: str, repeats: int = 1) -> dict[int, dict[str, Any]]:
    cells = [(repeat, variant) for repeat in range(repeats) for variant in variants]
    return {
        number: {"repeat": repeat, "variant": variant, "status": "completed"}
        for number, (repeat, variant) in enumerate(cells)
    }


FEW = ("block", "drop", "spill")
GRID = tuple(f"{name} policy.capacity={size}" for size in (500, 5000) for name in FEW)
MANY = tuple(f"window.max_size={size}" for size in range(1, 10))


@pytest.mark.parametrize(
    ("cells", "disturbed", "again"),
    [
        (rows(*FEW, repeats=2), [4], [3, 4, 5]),  # its repeat, not the other one
        (rows(*GRID), [4], [3, 4, 5]),  # its point of the grid
        (rows(*GRID), [0, 4], [0, 1, 2, 3, 4, 5]),
        (rows("window_a", *MANY), [3], [3]),  # the tables compare none of so many
        (rows(*FEW), [], []),
    ],
)
def test_a_disturbed_cell_runs_again_with_what_it_is_compared_with(
    cells: dict[int, dict[str, Any]], disturbed: list[int], again: list[int]
) -> None:
    assert to_run_again(disturbed, cells) == again


def test_a_cell_that_failed_stays_failed() -> None:
    cells = rows(*FEW)
    cells[2]["status"] = "failed"
    assert to_run_again([0], cells) == [0, 1]
