"""The part of the style that a machine can check: names, lengths, headers, links, nothing of one machine.

Must live here: rules about files as text. Must not: anything that imports the package (linters and the type
checker see to the code itself).
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent

BANNED_NAMES: Final = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}
MAX_PYTHON_LINES: Final = 250
MAX_YAML_LINES: Final = 30
MAX_ROOT_LINES: Final = 40
"""Of conf/config.yaml, which names every group and every section."""
MAX_EXPERIMENT_LINES: Final = 120
"""An experiment is a whole protocol: its cells, stages and criteria."""
LONG_FILES: Final[dict[str, str]] = {}
"""Path → reason, for a Python file that is better off whole. Empty, and should stay so."""

MACHINE_PATHS: Final = re.compile(
    r"""(?<![\w.~-])/(?:work|root|farm|Users|home/\w+|opt/(?:wheels|pypi))(?=[/"'`\s]|$)"""
)
REGISTRY: Final = re.compile(
    r"--(?:extra-)?index-url|--find-links|\b(?:pypi\.org|pythonhosted\.org|npmjs\.org|deb\.debian\.org)\b"
)
LINK: Final = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
CODE_SPAN: Final = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, in the repository, relative to its root."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("not a git work tree: the rules are about tracked files")
    return tuple(Path(name) for name in sorted(filter(None, listing.stdout.split("\0"))) if (ROOT / name).is_file())


def of_kind(*suffixes: str, under: str = "") -> list[Path]:
    return [path for path in files() if path.suffix in suffixes and path.as_posix().startswith(under)]


def text_of(path: Path) -> str | None:
    """The file's text, None for a binary one."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def lines_of(path: Path) -> list[str]:
    return (text_of(path) or "").splitlines()


def test_the_rules_see_the_repository() -> None:
    assert Path("ingestexp/ports.py") in files()
    assert len(of_kind(".py")) > 10


def test_no_file_is_named_after_nothing() -> None:
    assert [path for path in files() if path.stem.lower().strip("_") in BANNED_NAMES] == []


def test_python_files_stay_short() -> None:
    long = {path.as_posix(): len(lines_of(path)) for path in of_kind(".py")}
    assert {path: n for path, n in long.items() if n > MAX_PYTHON_LINES and path not in LONG_FILES} == {}


def test_listed_long_files_are_still_long() -> None:
    assert [path for path in LONG_FILES if len(lines_of(Path(path))) <= MAX_PYTHON_LINES] == []


def test_python_modules_open_with_their_charter() -> None:
    """Every module says what it is for; an `__init__.py` may be empty."""
    modules = [path for path in of_kind(".py") if path.name != "__init__.py" or (text_of(path) or "").strip()]
    assert [path for path in modules if not (text_of(path) or "").startswith(('"""', 'r"""'))] == []


def test_nothing_names_a_path_or_a_registry_of_one_machine() -> None:
    found = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in files()
        if path != Path("tests/test_style.py")
        for number, line in enumerate(lines_of(path), start=1)
        if MACHINE_PATHS.search(line) or REGISTRY.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("line", ["see {}root/x", 'open("{}work/main/a")', "cd {}home/ann/x", "{}farm"])
def test_the_path_rule_bites(line: str) -> None:
    """The slash is put in here: this file holds no such path either."""
    assert MACHINE_PATHS.search(line.format("/"))


@pytest.mark.parametrize("line", ["..{}work/x", "a{}root/b", "GET {}workers", "~{}home/x", "{}homepage/a"])
def test_the_path_rule_spares(line: str) -> None:
    assert not MACHINE_PATHS.search(line.format("/"))


def test_lock_files_pin_every_package_by_hash() -> None:
    locks = of_kind(".lock", under="requirements/")
    assert {path.stem for path in locks} == {"run", "dev", "bench"}
    for path in locks:
        entries = re.split(r"\n(?=\w)", text_of(path) or "")
        pinned = [entry for entry in entries if re.match(r"[\w.-]+==", entry)]
        assert len(pinned) > 10
        assert [entry for entry in pinned if "--hash=sha256:" not in entry] == [], path


def test_every_config_file_says_when_to_pick_it_and_is_short() -> None:
    configs = of_kind(".yaml", ".yml", under="conf/")
    limits = {"experiment": MAX_EXPERIMENT_LINES, "config.yaml": MAX_ROOT_LINES}
    assert [path for path in configs if len(lines_of(path)) > limits.get(path.parts[1], MAX_YAML_LINES)] == []
    # Hydra reads a `# @package` line only when it comes first: the comment may follow it.
    headless = [
        path
        for path in configs
        if not next(
            (line for line in lines_of(path) if not line.startswith("# @package") and line.strip()), ""
        ).startswith("# ")
    ]
    assert headless == []


def test_every_query_opens_with_a_header_comment() -> None:
    queries = of_kind(".sql", under="analysis/")
    assert [path for path in queries if not (text_of(path) or "").startswith("-- ")] == []


def test_text_files_end_with_one_newline_and_no_trailing_blanks() -> None:
    kinds = of_kind(".py", ".md", ".sql", ".yaml", ".toml")
    assert [p for p in kinds if (text := text_of(p)) and (not text.endswith("\n") or text.endswith("\n\n"))] == []
    assert [f"{p}:{n}" for p in kinds for n, line in enumerate(lines_of(p), start=1) if line != line.rstrip()] == []


def test_links_in_markdown_lead_to_files() -> None:
    broken = []
    for path in of_kind(".md"):
        for target in LINK.findall(CODE_SPAN.sub("", text_of(path) or "")):
            if re.match(r"[a-z]+:|#", target):
                continue
            if not (ROOT / path.parent / target.split("#")[0]).exists():
                broken.append(f"{path}: {target}")
    assert broken == []
