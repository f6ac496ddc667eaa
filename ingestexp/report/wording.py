"""How figures read: durations, counts, shares, in few characters.

Must live here: number to text. Must not: where a text stands (`summary`), what it advises (`hints`).
"""

from __future__ import annotations

from typing import Any


def count(value: float) -> str:
    return f"{value:,.0f}"


def number(value: float, noun: str, plural: str | None = None) -> str:
    """A count with its noun."""
    return f"{count(value)} {noun if value == 1 else plural or noun + 's'}"


def rate(value: float) -> str:
    """Whole from 10 a second on, else in three digits."""
    return count(value) if value >= 10 else f"{value:.3g}"


def ms(value_ns: float | None) -> str:
    """Milliseconds in three or four significant digits, no unit."""
    if value_ns is None:
        return "-"
    value = value_ns / 1e6
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}" if value >= 0.0995 else f"{value:.3f}"


def share(ratio: float) -> str:
    """A share as a percentage that is never rounded to 0 % or 100 % when it isn't."""
    if 0 < ratio < 0.00005:
        return "<0.01%"
    if 0.9999 < ratio < 1:
        return ">99.99%"
    return f"{ratio * 100:.3g}%"


def per_item(value: float | None) -> str:
    return "-" if value is None else "0" if value == 0 else f"{value:.3g}"


def seconds(value_ns: float) -> str:
    return f"{value_ns / 1e9:.3g} s"


def load_text(config: dict[str, Any], expected_items: int | None) -> str:
    """What arrived: the kind of load with its own numbers."""
    load = config.get("load") or {}
    text = str(load.get("kind", "load"))
    if load.get("rate_per_s") is not None:
        text += f" {rate(load['rate_per_s'])}/s"
    if load.get("idle_rate_per_s") is not None:
        text += f", idle {rate(load['idle_rate_per_s'])}/s"
    if load.get("end_rate_per_s") is not None:
        text += f" to {rate(load['end_rate_per_s'])}/s"
    if load.get("path"):
        text += f" {str(load['path']).rpartition('/')[2]} x{float(load.get('time_scale') or 1):g}"
    if load.get("item_count"):
        text += f" {number(load['item_count'], 'item')}"
    elif expected_items and load.get("kind") in ("replay", "regimes"):
        text += f", about {count(expected_items)} items"
    if load.get("duration_s") is not None:
        text += f" for {float(load['duration_s']):g} s"
    return text


def payload_text(config: dict[str, Any]) -> str:
    payload = config.get("payload") or {}
    size = payload.get("size_bytes")
    return str(payload.get("kind", "payload")) + (f" of about {size:g} bytes" if size else "")


def window_text(config: dict[str, Any]) -> str:
    """The limits of a batch; `max_size` is in items, and says so."""
    window = config.get("window") or {}
    wait, size = window.get("max_wait_ms"), window.get("max_bytes")
    text = number(window["max_size"], "item") if window.get("max_size") else "no size limit"
    text += " / no timer" if wait is None else f" / {float(wait):g} ms"
    return text + (f" / {count(size)} bytes" if size else "")


def policy_text(config: dict[str, Any]) -> str:
    policy = config.get("policy") or {}
    text = str(policy.get("kind", "-"))
    limits = []
    if policy.get("capacity"):
        limits.append(f"{count(policy['capacity'])} items")
    if policy.get("capacity_bytes"):
        limits.append(f"{count(policy['capacity_bytes'])} bytes")
    return f"{text} at {' or '.join(limits)}" if limits else text


def signed_ms(value_ms: float) -> str:
    """A difference in ms, no unit."""
    return f"{'−' if value_ms < 0 else '+'}{ms(abs(value_ms) * 1e6)}"


def signed_rate(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{rate(abs(value))}"


def ratio(value: float) -> str:
    """Three digits, never as 1e+03."""
    return count(value) if abs(value) >= 999.5 else f"{value:.3g}"
