-- Question: what is the response of a committed item made of, on average?
-- Grain: one row a run that has a response latency. Unit: ns, means over the committed items due after the warm-up (runs.warmup_ns).
-- The parts are those of latency_blame.sql and sum to the response: lateness = offered - intended, blocked + decode = admitted - offered
-- (decode: of items that came in an envelope, the wait for the decoder and inflating itself, else 0),
-- window = closed - admitted (never past first_sent; 0 for an item that joined after the close), queue = first_sent - max(closed, admitted),
-- retry = sent - first_sent, service = settled - sent.
WITH
kept AS (
    -- Within such a set the window's end is the same for all items, unless some were admitted after the close and some before.
    SELECT f.*, b.closed_at_ns, least(greatest(b.closed_at_ns, f.last_admitted_ns), f.first_sent_at_ns) AS window_end_ns,
        f.item_count > 1 AND ((f.last_admitted_ns > b.closed_at_ns AND b.closed_at_ns < f.first_sent_at_ns)
            OR f.offered_count < f.item_count OR f.admitted_count < f.item_count) AS is_mixed
    FROM fates f JOIN batches b ON b.run = f.run AND b.batch_id = f.batch_id
    WHERE f.outcome = 'committed' AND f.is_measured AND fact('zeros', f.run) IS NOT NULL
),
mixed AS (
    SELECT DISTINCT run, batch_id, first_sent_at_ns, sent_at_ns, settled_at_ns, reason, phase, closed_at_ns FROM kept WHERE is_mixed
),
-- NULL where a stage is not known: that item or set counts in no mean it belongs to.
summed AS (
    SELECT run, item_count,
        settled_at_ns * item_count::HUGEINT - due_sum AS response, offered_sum - due_sum AS lateness, admitted_sum - offered_sum AS blocked,
        window_end_ns * item_count::HUGEINT - admitted_sum AS in_window, (first_sent_at_ns - window_end_ns) * item_count::HUGEINT AS queue,
        (sent_at_ns - first_sent_at_ns) * item_count::HUGEINT AS retry, (settled_at_ns - sent_at_ns) * item_count::HUGEINT AS service
    FROM kept WHERE NOT coalesce(is_mixed, false)
    UNION ALL
    SELECT run, count(*), sum(settled_at_ns - intended_at_ns), sum(offered_at_ns - intended_at_ns), sum(admitted_at_ns - offered_at_ns),
        sum(window_end_ns - admitted_at_ns), sum(first_sent_at_ns - window_end_ns), sum(sent_at_ns - first_sent_at_ns),
        sum(settled_at_ns - sent_at_ns)
    FROM (
        SELECT i.*, least(greatest(m.closed_at_ns, i.admitted_at_ns), i.first_sent_at_ns) AS window_end_ns
        FROM items i JOIN mixed m ON m.run = i.run AND m.batch_id = i.batch_id AND m.settled_at_ns IS NOT DISTINCT FROM i.settled_at_ns
            AND m.sent_at_ns IS NOT DISTINCT FROM i.sent_at_ns AND m.first_sent_at_ns IS NOT DISTINCT FROM i.first_sent_at_ns
            AND m.phase IS NOT DISTINCT FROM i.phase AND m.reason IS NOT DISTINCT FROM i.reason
        WHERE i.outcome = 'committed' AND i.intended_at_ns >= measured_from(i.run)
    )
    GROUP BY run, offered_at_ns IS NULL, admitted_at_ns IS NULL
),
decoded AS (
    SELECT i.run, sum(greatest(i.admitted_at_ns - i.offered_at_ns - e.blocked_ns, 0)) AS decode
    FROM responses i JOIN envelopes e ON e.run = i.run AND e.envelope_id = i.envelope_id AND e.outcome = 'accepted'
    WHERE i.outcome = 'committed'
    GROUP BY i.run
)
SELECT
    run,
    sum(item_count)::BIGINT AS item_count,
    sum(response) / sum(item_count) FILTER (response IS NOT NULL) AS response_ns,
    sum(lateness) / sum(item_count) FILTER (lateness IS NOT NULL) AS lateness_ns,
    (sum(blocked) - coalesce(any_value(decode), 0)) / sum(item_count) FILTER (blocked IS NOT NULL) AS blocked_ns,
    coalesce(any_value(decode), 0) / sum(item_count) FILTER (blocked IS NOT NULL) AS decode_ns,
    sum(in_window) / sum(item_count) FILTER (in_window IS NOT NULL) AS window_ns,
    sum(queue) / sum(item_count) FILTER (queue IS NOT NULL) AS queue_ns,
    sum(retry) / sum(item_count) FILTER (retry IS NOT NULL) AS retry_ns,
    sum(service) / sum(item_count) FILTER (service IS NOT NULL) AS service_ns
FROM summed LEFT JOIN decoded USING (run)
GROUP BY run
ORDER BY run;
