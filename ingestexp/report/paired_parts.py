"""What the responses of paired items are made of: of all of them, and of the slowest of each run.

Must live here: the question to the items. Must not: which runs are paired, what is made of the answer (`comparing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ingestexp.report.evidence import Answers

PARTS: Final = ("lateness", "blocked", "decode", "queue", "window", "retry", "service")

# The parts are those of analysis/tables/latency_blame.sql, item by item, of the items that both runs kept. One row of
# means in ns; tail_*: over the items whose response is at least {tail_ns}.
_QUERY: Final = """
WITH known AS (
    SELECT r.intended_at_ns, r.response_ns, r.is_censored,
        r.intended_at_ns + r.lateness_ns AS offered_ns,
        r.intended_at_ns + r.response_ns AS end_ns,
        coalesce(r.admitted_at_ns, end_ns) AS admitted_ns,
        coalesce(b.closed_at_ns, r.admitted_at_ns, end_ns) AS closed_ns,
        coalesce(r.first_sent_at_ns, end_ns) AS first_sent_ns,
        coalesce(r.sent_at_ns, end_ns) AS sent_ns,
        least(greatest(closed_ns, admitted_ns), first_sent_ns) AS window_end_ns,
        CASE WHEN e.run IS NULL THEN 0 ELSE greatest(admitted_ns - offered_ns - e.blocked_ns, 0) END AS decode_ns
    FROM responses r
    LEFT JOIN batches b ON b.run = r.run AND b.batch_id = r.batch_id
    LEFT JOIN envelopes e ON e.run = r.run AND e.envelope_id = r.envelope_id AND e.outcome = 'accepted'
    WHERE r.run = '{run}' AND r.response_ns IS NOT NULL
        AND r.item_id IN (SELECT item_id FROM responses WHERE run = '{other}' AND response_ns IS NOT NULL)
),
split AS (
    SELECT response_ns, is_censored,
        offered_ns - intended_at_ns AS lateness_ns,
        admitted_ns - offered_ns - decode_ns AS blocked_ns,
        decode_ns,
        window_end_ns - admitted_ns AS window_ns,
        first_sent_ns - window_end_ns AS queue_ns,
        sent_ns - first_sent_ns AS retry_ns,
        end_ns - sent_ns AS service_ns
    FROM known
)
SELECT
    count(*) FILTER (is_censored AND response_ns <= {median_ns}) AS censored_to_median,
    count(*) FILTER (is_censored AND response_ns <= {tail_ns}) AS censored_to_tail,
    count(*) FILTER (response_ns >= {tail_ns}) AS tail_count,
    avg(response_ns) AS response_ns, avg(response_ns) FILTER (response_ns >= {tail_ns}) AS tail_response_ns,
    {means}
FROM split
"""


def parts_of(answers: Answers, run: str, other: str, median_ns: int, tail_ns: int) -> dict[str, Any]:
    """Of the items of `run` that `other` kept as well; the tail is what took `tail_ns` and more."""
    means = ", ".join(
        f"avg({part}_ns) AS {part}_ns, avg({part}_ns) FILTER (response_ns >= {tail_ns}) AS tail_{part}_ns"
        for part in PARTS
    )
    query = _QUERY.format(run=run, other=other, median_ns=median_ns, tail_ns=tail_ns, means=means)
    return answers.answer(query, "paired parts").rows[0]
