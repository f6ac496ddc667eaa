"""The write-up's sentences: templates that hold no number of their own.

Must live here: words, and which of them the evidence allows. Must not: a digit in a template (each comes from a
query's figure), where figures come from (`writeup_facts`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ingestexp.report import wording as say
from ingestexp.report.sweep_figures import WORST_FIRST

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestexp.report.writeup_facts import Claim

Row = dict[str, Any]

_PLACE: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")

_MOST_NAMED: Final = 2

_READS: Final[dict[str | None, Callable[[Any], str]]] = {
    None: str,
    "count": say.count,
    "items": lambda count: say.number(count, "item"),
    "pairs": lambda count: say.number(count, "pair"),
    "rate": say.rate,
    "figure": say.ratio,
    "each": say.per_item,
    "share": say.share,
}

_METRICS: Final = {
    "depth_items": ("the queue's depth", "items"),
    "oldest_age_ms": ("the age of the oldest item in the queue", "ms"),
    "lag_items": ("the lag in items", "items"),
    "lag_ms": ("the lag in time", "ms"),
    "drop_rate_per_s": ("the drop rate", "items/s"),
    "size_trigger_ratio": ("the share of batches that closed by size", "of all"),
    "batch_wait_ms": ("the wait for a batch to be sent", "ms"),
    "rss_bytes": ("the resident memory", "bytes"),
}


def sentence_of(claim: Claim, brief: bool = False) -> tuple[str, dict[str, str]]:
    """The sentence, and as what each figure in it reads. What the criteria did not pass is said behind it.

    `brief`: without what the claim can do without: the cost model, the second best.
    """
    if claim.sweep is None:
        return f"Not shown yet, the {claim.topic.name}: run {claim.topic.command}.", {}
    if not claim.is_answered:
        return f"The {claim.topic.name} is not shown: its sweep did not get that far; run {claim.topic.command}.", {}
    text, reads = _filled(_TEMPLATES[claim.topic.experiment](claim.values, brief), _named(claim.values))
    if claim.unproven:
        text += f" Not proven: {_unproven(claim)}."
    return text, reads


def _unproven(claim: Claim) -> str:
    """The worst ones by name; the notes have all."""
    worst = sorted(claim.unproven, key=lambda each: WORST_FIRST.index(each[1]))
    named = [f"{name} {result}" for name, result, _ in worst[:_MOST_NAMED]]
    return ", ".join(named) + (" and others" if len(worst) > len(named) else "")


def _filled(template: str, values: Row) -> tuple[str, dict[str, str]]:
    reads = {}

    def read(place: re.Match[str]) -> str:
        name, how = place.groups()
        reads[name] = "-" if values[name] is None else _READS[how](values[name])
        return reads[name]

    return _PLACE.sub(read, template), reads


def _named(values: Row) -> Row:
    """With the words that a figure stands for."""
    where = f"{values.get('sink')} (simulated)" if values.get("is_simulated") else str(values.get("sink"))
    metric, unit = _METRICS.get(str(values.get("metric")), (values.get("metric"), ""))
    next_metric, _ = _METRICS.get(str(values.get("next_metric")), (values.get("next_metric"), ""))
    percentile = values.get("percentile")
    return {
        **values,
        "where": where,
        "metric": metric,
        "unit": unit,
        "next_metric": next_metric,
        "percentile": None if percentile is None else f"{percentile:g}",
    }


def _fixed_cost(values: Row, brief: bool) -> str:
    text = (
        "Batching amortized the fixed cost of {where}: at the same {offered_per_s:rate} items/s, {cost} an item fell "
        "from {before:each} to {after:each} (÷ {amortized_ratio:figure})"
    )
    if values.get("fixed_us") is not None and not brief:
        text += "; that cost is {fixed_us:figure} µs a batch beside {per_item_us:figure} µs an item"
    if values.get("capacity_ratio") is not None:
        text += (
            "; saturated throughput is × {capacity_ratio:figure} "
            "({pair_count:pairs}, × {least_ratio:figure} to {most_ratio:figure})"
        )
    return text + "."


def _window(values: Row, brief: bool) -> str:
    slo = "p{percentile} within {bound_ms:figure} ms under all {load_count:count} loads"
    if values["max_size"] is None:
        return f"No window holds on {{where}}: none of {{tried_count:count}} kept {slo}."
    wait = "no timer" if values["max_wait_ms"] is None else "{max_wait_ms:figure} ms"
    text = (
        f"The window is {{max_size:items}} / {wait} on {{where}}: {{kept_count:count}} of {{tried_count:count}} "
        f"kept {slo}, and it pays least, {{commits_per_item:each}} commits an item"
    )
    if values["next_max_size"] is not None and not brief:
        text += " (the next best {next_commits_per_item:each})"
    if values.get("validated_ms") is not None:
        text += "; on unseen loads its worst was {validated_ms:figure} ms"
    return text + "."


def _overflow(values: Row, brief: bool) -> str:
    slo = "p{percentile} within {bound_ms:figure} ms on {where}"
    room = "no limit" if values["capacity"] is None else "room for {capacity:items}"
    least = f"{{policy}} with {room} loses least, {{loss_ratio:share}} at {{p99_ms:figure}} ms"
    text = f"When the queue is full, of what keeps {slo}, " if values["keeps"] else f"No overflow policy keeps {slo}; "
    text += least
    if values["early_policy"] is not None and not brief:
        room = "no limit" if values["early_capacity"] is None else "room for {early_capacity:count}"
        text += f"; {{early_policy}} with {room} is earliest, {{early_p99_ms:figure}} ms, "
        text += "but loses {early_loss_ratio:share}"
    return text + "."


def _alert(values: Row, brief: bool) -> str:
    text = "Alert first on {metric} above {threshold:figure} {unit}"
    if not values["run_count"]:
        return text + "; no run is there to score that on."
    kind = "simulated" if values["is_simulated"] else "live"
    text += (
        f": on unseen {kind} runs it led the breach by {{lead_ms:figure}} ms (median) and missed "
        "{miss_count:count} of {run_count:count}"
    )
    if values["alarms_per_min"] is not None:
        text += ", at {alarms_per_min:figure} false alarms a healthy minute"
    if values["next_metric"] is not None and not brief:
        text += "; the next best, {next_metric}, missed {next_miss_count:count}"
    if values.get("live_lead_ms") is not None:
        text += (
            "; live, above {live_threshold:figure} {unit}, it led by {live_lead_ms:figure} ms and missed "
            "{live_miss_count:count} of {live_run_count:count}"
        )
        if values["live_alarms_per_min"] is not None:
            text += ", at {live_alarms_per_min:figure} false alarms a minute"
    return text + "."


_TEMPLATES: Final[dict[str, Callable[[Row, bool], str]]] = {
    "before_after": _fixed_cost,
    "window_tuning": _window,
    "overflow_choice": _overflow,
    "alerting": _alert,
}
