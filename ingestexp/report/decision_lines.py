"""What was decided between two stages, and how to say the same elsewhere.

Must live here: which lines and table. Must not: the decision (`window_choice`), other systems' words (`translations`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from ingestexp.report.translations import translations

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

Row = dict[str, Any]

_WIDTHS: Final = (16, 40)


def print_decisions(out: Console, facts: Row, folder: Path) -> None:
    """`facts`: of `sweep.yaml`. Nothing where nothing was decided."""
    decided = next((stage["decided"] for stage in facts.get("stages") or [] if stage.get("decided")), None)
    if not decided or decided.get("by") != "window":
        return
    values = decided.get("values") or {}
    out.print(Text.assemble(("chosen    ", "bold"), str(decided.get("says"))), soft_wrap=True)
    where = f"--config-dir {folder}/{str(decided.get('file')).partition('/')[0]} +experiment=tuned_window"
    out.print(Text.assemble(("use it    ", "bold"), f"python -m ingestexp {where}"), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, title="the same window elsewhere", title_justify="left", title_style="bold")
    for heading, width in zip(("system", "settings"), _WIDTHS, strict=True):
        table.add_column(heading, width=width)
    table.add_column("what does not carry over")
    size, wait = int(values.get("window.max_size") or 1), values.get("window.max_wait_ms")
    for each in translations(size, wait, float(decided.get("payload_bytes") or 0)):
        table.add_row(each.system, each.settings, each.differs)
    out.print(table)
