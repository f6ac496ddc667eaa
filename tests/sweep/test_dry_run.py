"""`sweep.dry_run=true` says what would run and runs nothing, be it a sweep or a single run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sweep.rig import Home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("load.duration_s=3600",), ("one live run with seed 1", "poisson", "duration_s=3600", "sqlite", "1:00:00")),
        (("-m", "load.duration_s=3600", "window.max_size=1,64"), ("2 cells", "exclusive", "2:00:01")),
    ],
)
def test_a_dry_run_runs_nothing(tmp_path: Path, argv: tuple[str, ...], says: tuple[str, ...]) -> None:
    done = Home(tmp_path).run(*argv, "sweep.dry_run=true")
    assert done.code == 0, done.err
    assert done.err == ""
    assert [word for word in says if word not in done.out] == []
    assert list(tmp_path.iterdir()) == []
