"""Run folders, opened for questions.

Must live here: finding and checking a folder, whose fate is read from manifest and pid, the DuckDB connection over
`analysis/views.sql`. Must not: what is asked (`figures`), or what the answers mean (`verdict`).
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb

from ingestexp.experiment.liveness import runs_since
from ingestexp.experiment.manifest import Manifest
from ingestexp.experiment.paths import ANALYSIS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

MEMORY_LIMIT: Final = "3GB"
TABLE_FOLDERS: Final = ("items", "batches", "samples", "dead_letters", "faults")
PARQUET_MAGIC: Final = b"PAR1"


class EvidenceError(Exception):
    """A run folder that can't be read, in one sentence meant for the user."""


class StillRunning(EvidenceError):
    """The run has not ended: there is nothing to sum up yet."""


class Answers:
    """A DuckDB connection with the views of `analysis/views.sql` over run folders. A context manager; not thread-safe.

    The `run` of a row is the name of a link of our own; `folder_of` gives the folder back.
    """

    def __init__(self, folders: Sequence[Path], with_superseded: bool = False) -> None:
        self.folders = list(folders)
        self._folder = tempfile.TemporaryDirectory(prefix="ingestexp-report-")
        scratch = Path(self._folder.name)
        # The views take a glob: through links of our own no character of a real path can be taken for a pattern.
        runs = scratch / "runs"
        runs.mkdir()
        for number, folder in enumerate(self.folders):
            (runs / f"{number:06d}").symlink_to(folder.resolve(), target_is_directory=True)
        self._connection = duckdb.connect(
            config={
                "memory_limit": MEMORY_LIMIT,
                "threads": len(os.sched_getaffinity(0)),
                "temp_directory": str(scratch / "spill"),
                "preserve_insertion_order": False,
            }
        )
        self.set("runs", f"'{runs}/*'")
        self.set("with_superseded", str(with_superseded).lower())
        self.set("analysis", "'" + str(ANALYSIS).replace("'", "''") + "'")  # a criterion may ask a table
        self._execute((ANALYSIS / "views.sql").read_text(encoding="utf-8"), "views.sql")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._folder.cleanup()

    def folder_of(self, run: str) -> Path:
        """The run folder that a row's `run` stands for."""
        return self.folders[int(run.rpartition("/")[2])]

    def set(self, variable: str, value: str) -> None:
        """Set a session variable (a parameter of the tables) to a SQL literal."""
        self._connection.execute(f"SET VARIABLE {variable} = {value}")

    def count_once(self) -> None:
        """Count now what several tables count from: quicker where there are millions of items. Raises EvidenceError."""
        self._execute((ANALYSIS / "counted_once.sql").read_text(encoding="utf-8"), "counted_once.sql")

    def rows(self, file: str, limit: int | None = None) -> list[dict[str, Any]]:
        """The rows of `analysis/<file>` (at most `limit`) as dicts. Raises EvidenceError."""
        return self.answer((ANALYSIS / file).read_text(encoding="utf-8"), file, limit).rows

    def table(self, name: str) -> Answer:
        """`analysis/tables/<name>.sql`, columns and rows. Raises EvidenceError, OSError (no such table)."""
        return self.answer((ANALYSIS / "tables" / f"{name}.sql").read_text(encoding="utf-8"), f"tables/{name}.sql")

    def answer(self, query: str, name: str, limit: int | None = None) -> Answer:
        """Columns and rows of any query. Raises EvidenceError."""
        result = self._execute(query, name)
        names = [column[0] for column in result.description or ()]
        fetched = result.fetchall() if limit is None else result.fetchmany(limit)
        return Answer(names, [dict(zip(names, row, strict=True)) for row in fetched])

    def asked(self, query: str) -> Answer:
        """A query of the user's own. Raises EvidenceError: no query, not SQL, or the evidence can't be read."""
        try:
            result: Any = self._connection.execute(query)  # None where there is no statement in it
            names = [column[0] for column in (result and result.description) or ()]
            rows = result.fetchall() if names else []
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise EvidenceError(f"the query can't read the evidence: {_first_line(error)}") from error
        except duckdb.Error as error:
            raise EvidenceError(f"the query is wrong: {_first_line(error)}") from error
        if not names:
            raise EvidenceError("the query is empty, or asks for nothing")
        return Answer(names, [dict(zip(names, row, strict=True)) for row in rows])

    def columns(self, file: str) -> dict[str, NDArray[np.int64]]:
        """The columns of `analysis/<file>` as arrays, for answers of many rows. Raises EvidenceError."""
        return self.arrays((ANALYSIS / file).read_text(encoding="utf-8"), file)

    def numbered_columns(self, file: str) -> dict[str, NDArray[np.int64]]:
        """As `columns` of a table with `run_number`, the place in `folders`, but without `run`: texts are slow."""
        return self.arrays(f"SELECT * EXCLUDE (run) FROM {_inside(file)}", file)  # noqa: S608 - our own file

    def arrays(self, query: str, name: str) -> dict[str, NDArray[np.int64]]:
        """The columns of any query as arrays. Raises EvidenceError."""
        found: dict[str, Any] = self._execute(query, name).fetchnumpy()
        return found

    def count(self, file: str) -> int:
        """How many rows `analysis/<file>` has. Raises EvidenceError."""
        row = self._execute(f"SELECT count(*) FROM {_inside(file)}", file).fetchone()  # noqa: S608 - our own file
        return int(row[0]) if row else 0

    def _execute(self, query: str, file: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(query)
        except duckdb.Error as error:
            first_line = _first_line(error)
            where = self.folders[0] if len(self.folders) == 1 else f"{len(self.folders)} runs"
            what = f"analysis/{file}" if file.endswith(".sql") else file
            raise EvidenceError(f"{where}: {what} can't read the evidence: {first_line}") from error


def _inside(file: str) -> str:
    """`analysis/<file>` as a subquery."""
    query = (ANALYSIS / file).read_text(encoding="utf-8").rstrip().removesuffix(";")
    return f"(\n{query}\n)"


def _first_line(error: duckdb.Error) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave: the columns in order, the rows by column name."""

    columns: list[str]
    rows: list[dict[str, Any]]


class Evidence(Answers):
    """One run's manifest and its tables.

    `status` is the manifest's, but `crashed` for a run that says `running` while its process is gone.
    """

    def __init__(self, run_dir: Path, manifest: dict[str, Any], status: str, status_reason: str | None) -> None:
        super().__init__([run_dir], with_superseded=True)
        self.run_dir = run_dir
        self.manifest = manifest
        self.status = status
        self.status_reason = status_reason


def open_evidence(run_dir: Path) -> Evidence:
    """Raises EvidenceError: no such folder, not a run folder, unreadable parts, StillRunning."""
    manifest, status, reason = check_run(run_dir)
    return Evidence(run_dir, manifest, status, reason)


def check_run(run_dir: Path) -> tuple[dict[str, Any], str, str | None]:
    """(manifest, status, its reason) of a run that can be asked. Raises as `open_evidence`; records a crash."""
    if not run_dir.is_dir():
        raise EvidenceError(f"{run_dir}: no such folder (a run folder holds manifest.json; the newest is runs/latest)")
    manifest = _read_manifest(run_dir)
    for folder in TABLE_FOLDERS:
        for part in sorted((run_dir / folder).glob("[!.]*.parquet")):
            _check_part(part)
    status, reason = str(manifest.get("status")), manifest.get("status_reason")
    if status == "running":
        pid = manifest.get("pid")
        if pid != os.getpid():
            if isinstance(pid, int) and runs_since(pid, run_dir / "manifest.json"):
                raise StillRunning(f"{run_dir}: the run is still going on (pid {pid}): ask again when it has ended")
            status, reason = "crashed", f"its process (pid {pid}) is gone without having recorded an end"
            Manifest(run_dir, manifest).record_crash(reason)
    return manifest, status, reason


def is_running(run_dir: Path, manifest: dict[str, Any]) -> bool:
    """Whether the process that wrote this `running` manifest is still there."""
    pid = manifest.get("pid")
    return isinstance(pid, int) and runs_since(pid, run_dir / "manifest.json")


def _read_manifest(run_dir: Path) -> dict[str, Any]:
    path = run_dir / "manifest.json"
    if not path.is_file():
        raise EvidenceError(f"{run_dir}: not a run folder, it has no manifest.json (try runs/latest)")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(manifest, dict) or "status" not in manifest:
        raise EvidenceError(f"{path}: not a run's manifest: it has no `status`")
    if not isinstance(manifest.get("schema_version"), int) or manifest["schema_version"] > 1:
        found = manifest.get("schema_version")
        raise EvidenceError(f"{path}: schema_version is {found}, this version of ingestexp reads 1")
    return manifest


def _check_part(part: Path) -> None:
    """A Parquet file starts and ends with its magic: a torn one would fail every query with a message about bytes."""
    try:
        with part.open("rb") as file:
            head = file.read(4)
            file.seek(max(-4, -part.stat().st_size), os.SEEK_END)
            tail = file.read(4)
    except OSError as error:
        raise EvidenceError(f"{part}: not readable: {error.strerror or error}") from error
    if head != PARQUET_MAGIC or tail != PARQUET_MAGIC:
        raise EvidenceError(f"{part}: torn, it is not a complete Parquet file (move it away to read the other parts)")
