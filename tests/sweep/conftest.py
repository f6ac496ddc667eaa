"""A Ray cluster for the tests of this folder: it takes seconds to start, so there is one for all of them.

Must live here: fixtures. Must not: anything about a sweep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sweep.rig import Home, two_nodes

STEADY = "sweep.rerun_disturbed=false"
"""Other tests are running on this host: which cells they disturb, and so how many run twice, would be chance."""

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    with two_nodes() as address:
        yield address


@pytest.fixture
def home(tmp_path: Path, cluster: str) -> Home:
    """Sweeps from here go to the cluster: two nodes with one core each."""
    return Home(tmp_path, (f"sweep.address={cluster}", "sweep.cores_per_run=1", STEADY))


@pytest.fixture
def own(tmp_path: Path) -> Home:
    """Sweeps from here start a Ray of their own, or none."""
    return Home(tmp_path, (STEADY,))
