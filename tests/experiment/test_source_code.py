"""The name of the code at hand: two changed trees of one commit are two codes; a wheel has no git to ask."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from ingestexp import __version__
from ingestexp.experiment.source_code import version_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("ingestexp/core/queue.py", "analysis/views.sql", "docs/page.md"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("first")
    return tmp_path


@pytest.fixture
def checkout(root: Path) -> Path:
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--no-verify", "-m", "all"]):
        named = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(root), *named, *words], check=True, capture_output=True)
    return root


def test_a_clean_checkout_is_named_by_its_commit(checkout: Path) -> None:
    described = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
    )
    assert version_of(checkout) == f"{__version__}+g{described.stdout.strip()}"


def test_every_change_of_the_sources_is_another_code(checkout: Path) -> None:
    found = [version_of(checkout)]
    for name, text in (
        ("ingestexp/core/queue.py", "second"),
        ("analysis/views.sql", "third"),
        ("ingestexp/new.py", ""),
    ):
        (checkout / name).write_text(text)
        found.append(version_of(checkout))
    assert len(set(found)) == 4
    assert all(version.startswith(f"{found[0]}-dirty.") for version in found[1:])
    (checkout / "docs" / "page.md").write_text("another word")
    assert version_of(checkout) == found[-1]
    assert version_of(checkout) == found[-1], "the same files, the same name"


def test_without_git_the_sources_are_the_name(root: Path) -> None:
    before = version_of(root)
    assert before.startswith(f"{__version__}+src.")
    assert version_of(root) == before
    (root / "ingestexp" / "core" / "queue.py").rename(root / "ingestexp" / "core" / "moved.py")
    assert version_of(root) != before
