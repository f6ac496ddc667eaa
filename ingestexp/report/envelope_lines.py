"""The summary's lines about compressed envelopes.

Must live here: their text. Must not: queries, thresholds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_ALL_KINDS = ("accepted", "rejected", "unoffered")


def envelope_lines(manifest: Mapping[str, Any]) -> list[Text]:
    """What became of them and why, and of the bombs that the run put in itself; nothing where items came one by one."""
    counted = manifest.get("envelopes")
    if not counted:
        return []
    codec = ((manifest.get("config") or {}).get("decode") or {}).get("codec", "?")
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in counted["reasons"].items())
    fates = [f"{kind} {counted[kind]:,}" for kind in _OF_ALL_KINDS if counted[kind] or kind == "accepted"]
    if reasons:
        fates[1] += f" ({reasons})"
    total = sum(counted[kind] for kind in _OF_ALL_KINDS)
    each_us = counted["decode_ns"] / 1e3 / max(1, total - counted["unoffered"])
    lines = [Text(f"{codec}: {'   '.join(fates)}   inflating took {each_us:,.0f} µs each")]
    if counted["bombs"]:
        let_in = counted["bombs_accepted"]
        fate = f"{let_in:,} of them ACCEPTED" if let_in else "none accepted"
        text = f"{counted['bombs']:,} bombs put in on purpose (decode.bombs): {fate}"
        lines.append(Text(text, style="red" if let_in else ""))
    return lines
