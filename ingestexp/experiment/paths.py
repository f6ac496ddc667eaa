"""Where the shipped questions (`conf/`) and answers (`analysis/`) lie.

Must live here: finding them in a checkout and in an installed wheel. Must not: anything about a run's own folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parent.parent


def shipped(name: str) -> Path:
    """A folder that stands beside the package in a checkout and inside it in a wheel."""
    checkout = PACKAGE.parent
    return (checkout if (checkout / "pyproject.toml").is_file() else PACKAGE) / name


CONF: Final = shipped("conf")
ANALYSIS: Final = shipped("analysis")
RECORDINGS: Final = CONF / "experiment" / "recordings"
