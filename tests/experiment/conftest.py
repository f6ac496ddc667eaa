"""Fixtures of the experiment tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.experiment.shared_folder import Shared

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    return Shared(tmp_path)
