"""Sweep folders made of the tiny runs of `evidence`, as `sweep.yaml` would describe them.

Must live here: that file by hand. Must not: assertions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.report.evidence import manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """`write`: one of `evidence`'s writers; None: a cell that failed and left nothing. `changes`: of its manifest."""

    write: Callable[..., Path] | None
    variant: str = "only"
    stage: str = ""
    repeat: int = 0
    window: tuple[int, float | None] = (10, 5.0)


def write_sweep(
    folder: Path, cells: Sequence[Cell], acceptance: Sequence[Row] = (), stages: Sequence[Row] = (), **head: Any
) -> Path:
    """Returns the folder. `acceptance`, `stages`: as in `sweep.yaml`; `head` replaces its top-level keys."""
    rows = []
    for number, cell in enumerate(cells):
        name = f"{number:04d}-abcdef"
        row: Row = {"number": number, "stage": cell.stage, "variant": cell.variant, "repeat": cell.repeat}
        row |= {"cell_hash": f"{number:012x}", "folder": name, "status": "completed", "reason": None}
        row |= {"disturbed": False, "attempt": 0}
        if cell.write is None:
            row |= {"status": "failed", "reason": "its worker died"}
        else:
            cell.write(folder / name, config=_config(cell), cell=_cell(cell, number))
        rows.append(row)
    experiment: Row = {"name": "", "question": "", "tables": [], "acceptance": list(acceptance)}
    facts: Row = {"format_version": 1, "sweep_id": "a-sweep", "plan_hash": "0" * 12, "experiment": experiment}
    facts |= {"code_version": "1", "host": {}, "status": "completed", "stages": list(stages), "cells": rows, **head}
    folder.mkdir(exist_ok=True)
    (folder / "sweep.yaml").write_text(json.dumps(facts), encoding="utf-8")  # JSON is YAML
    return folder


def criterion(query: str, judge: str = "every", **bounds: Any) -> Row:
    return {
        "name": query,
        "says": "says so",
        "query": query,
        "judge": judge,
        "at_least": None,
        "at_most": None,
        **bounds,
    }


def _config(cell: Cell) -> Row:
    config: Row = manifest([])["config"]
    size, wait = cell.window
    return {**config, "window": {"max_size": size, "max_wait_ms": wait, "max_bytes": None}}


def _cell(cell: Cell, number: int) -> Row:
    return {"sweep": "a-sweep", "stage": cell.stage, "variant": cell.variant, "repeat": cell.repeat, "number": number}
