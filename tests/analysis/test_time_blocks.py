"""Into how many time blocks a run is cut: the macro `blocks_for` of `views.sql`."""

from __future__ import annotations

import duckdb
import pytest

from ingestexp.experiment.paths import ANALYSIS


@pytest.mark.parametrize(
    ("measured_ns", "stall_cycle_ns", "attempt_count", "blocks"),
    [
        (5e9, None, 1000, 50),
        (5e9, 1e8, 1000, 50),
        (5e9, 5e8, 1000, 20),
        (500e9, 1e8, 10_000, 100),
        (5e9, None, 7, 7),
        (5e9, None, None, 1),
    ],
)
def test_blocks_are_longer_than_the_stall_cycle_where_that_leaves_twenty(
    measured_ns: float, stall_cycle_ns: float | None, attempt_count: int | None, blocks: int
) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE runs = '/nowhere'")
        connection.execute((ANALYSIS / "views.sql").read_text())
        query = "SELECT blocks_for(?::DOUBLE, ?::DOUBLE, ?::BIGINT)"
        assert connection.execute(query, [measured_ns, stall_cycle_ns, attempt_count]).fetchall() == [(blocks,)]
