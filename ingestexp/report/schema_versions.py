"""Runs whose evidence was written by another version of the schema, in words.

Must live here: which columns they lack. Must not: the schema (`trace.schema`), refusing a newer one (`evidence`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingestexp.report import wording as say
from ingestexp.trace import schema

if TYPE_CHECKING:
    from pathlib import Path

    from ingestexp.report.evidence import Answers

_TABLES: Final = {
    "items": schema.ITEMS.names,
    "batches": schema.BATCHES.names,
    "samples": schema.SAMPLES.names,
    "dead_letters": schema.DEAD_LETTERS.names,
    "faults": schema.FAULTS.names,
}
_MOST_LOOKED_INTO: Final = 200
_MOST_COLUMNS: Final = 8
_MOST_NAMES: Final = 3


def schema_notes(answers: Answers) -> list[str]:
    """A sentence for each older version, and each set of columns that reads as NULL. Of many runs only old ones are
    looked into."""
    rows = answers.answer("SELECT run, schema_version FROM runs WHERE schema_version IS NOT NULL", "runs").rows
    versions = {answers.folder_of(row["run"]): int(row["schema_version"]) for row in rows}
    if len(versions) > _MOST_LOOKED_INTO:
        versions = {folder: version for folder, version in versions.items() if version != schema.SCHEMA_VERSION}
    lacking = _lacking(answers, list(versions))
    found: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for folder, version in sorted(versions.items()):
        missing = tuple(lacking.get(folder, ()))
        if missing or version != schema.SCHEMA_VERSION:
            found.setdefault((version, missing), []).append(folder.name)
    return [_note(version, missing, names) for (version, missing), names in sorted(found.items())]


def _lacking(answers: Answers, folders: list[Path]) -> dict[Path, list[str]]:
    """By the first closed part of each table: all parts of a run are of one version."""
    parts: dict[str, tuple[Path, str]] = {}
    for folder in folders:
        for table in _TABLES:
            for part in sorted((folder / table).glob("[!.]*.parquet"))[:1]:
                parts[str(part)] = (folder, table)
    if not parts:
        return {}
    files = ", ".join("'" + part.replace("'", "''") + "'" for part in parts)
    query = f"SELECT file_name, list(name) AS names FROM parquet_schema([{files}]) GROUP BY file_name"  # noqa: S608
    lacking: dict[Path, list[str]] = {}
    for row in answers.answer(query, "the schema of the parts").rows:
        folder, table = parts[row["file_name"]]
        missing = [f"{table}.{name}" for name in _TABLES[table] if name not in row["names"]]
        lacking.setdefault(folder, []).extend(missing)
    return {folder: sorted(missing) for folder, missing in lacking.items()}


def _note(version: int, missing: tuple[str, ...], names: list[str]) -> str:
    runs = f"{say.number(len(names), 'run')} ({', '.join(names[:_MOST_NAMES])}{', …' if names[_MOST_NAMES:] else ''})"
    text = f"{runs} {'has' if len(names) == 1 else 'have'} schema version {version}"
    if not missing:
        return f"{text}, this is {schema.SCHEMA_VERSION}"
    more = f" and {len(missing) - _MOST_COLUMNS} more" if missing[_MOST_COLUMNS:] else ""
    columns = "column" if len(missing) == 1 else "columns"
    return f"{text}: {columns} {', '.join(missing[:_MOST_COLUMNS])}{more} read{'s' * (len(missing) == 1)} as NULL"
