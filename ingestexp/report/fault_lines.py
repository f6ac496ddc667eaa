"""What was done to a run on purpose, in a line: nobody shall take its figures for those of a calm day.

Must live here: the manifest's `faults` in words. Must not: what a fault does, where the line stands (`summary`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from ingestexp.report import wording as say

if TYPE_CHECKING:
    from collections.abc import Mapping


def fault_lines(faults: Mapping[str, Any] | None) -> list[Text]:
    """None for a run without faults."""
    if not faults:
        return []
    parts: list[str] = []
    if outage := faults.get("outage"):
        parts.append(f"outage {_span(outage)}, {say.number(outage['hit_count'], 'attempt')} refused")
    if flaky_sink := faults.get("flaky_sink"):
        failed = say.number(flaky_sink["hit_count"], "attempt")
        parts.append(f"flaky_sink at {say.share(flaky_sink['rate'])}, {failed} failed")
    if brownout := faults.get("brownout"):
        slowed = say.number(brownout["hit_count"], "write")
        parts.append(f"brownout {_span(brownout)}, {slowed} {brownout['factor']:g} × as long")
    if poison := faults.get("poison"):
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in poison["by_kind"].items() if count)
        parts.append(f"poison in {say.number(poison['item_count'], 'item')}{f' ({kinds})' if kinds else ''}")
    return [Text("   ".join(parts), style="yellow")]


def _span(fault: Mapping[str, Any]) -> str:
    return f"{fault['from_ns'] / 1e9:g} to {fault['to_ns'] / 1e9:g} s"
