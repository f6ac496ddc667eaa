-- Question: where did the slow items spend their time?
-- Grain: one row a run that has a response latency. Unit: ns, means over the tail.
-- Tail: the kept items in and above the latency bucket (0.05 % wide) that holds the response quantile which the run's SLO names.
-- Parameters: runs.warmup_ns cuts the warm-up.
-- The parts sum to the response, item by item:
--   lateness = offered - intended (the generator)      blocked + decode = admitted - offered
--   blocked: the policy's; decode: of an item that came in an envelope, the wait for the decoder and inflating itself, else 0
--   window   = closed - admitted, never past first_sent; 0 for an item that joined after the close
--   queue    = first_sent - max(closed, admitted)       retry = sent - first_sent      service = settled - sent
-- An unsettled item counts with what it had spent when the run ended: the stage it was in ends there, later ones are 0.
WITH
histogram AS (
    SELECT run_number, bucket, sum(item_count)::BIGINT AS n FROM latency_histogram WHERE measure = 'response' GROUP BY ALL
),
cumulative AS (
    SELECT *, (sum(n) OVER (PARTITION BY run_number ORDER BY bucket) - n)::BIGINT AS n_before,
        (sum(n) OVER (PARTITION BY run_number))::BIGINT AS item_count
    FROM histogram
),
tail_start AS (
    SELECT r.run, c.bucket
    FROM cumulative c JOIN runs r ON fact('run_numbers', r.run) = c.run_number
    WHERE nearest_rank(c.item_count, r.slo_ppm) > c.n_before AND nearest_rank(c.item_count, r.slo_ppm) <= c.n_before + c.n
),
-- The least ns of that bucket, rounded down: the logarithm itself decides about the few that are near it.
starts AS (
    SELECT by_run(list((run, bucket))) AS buckets, by_run(list((run, floor(pow(2, bucket / 1420) - 1)::BIGINT - 1))) AS at_least_ns
    FROM tail_start
),
tail AS (
    SELECT run, batch_id, envelope_id, intended_at_ns, response_ns, is_censored,
        intended_at_ns + lateness_ns AS offered_ns,
        intended_at_ns + response_ns AS end_ns,
        admitted_at_ns, first_sent_at_ns, sent_at_ns
    FROM responses
    WHERE response_ns >= (SELECT at_least_ns FROM starts)[run] AND latency_bucket(response_ns) >= (SELECT buckets FROM starts)[run]
),
known AS (
    SELECT
        t.run, t.intended_at_ns, t.offered_ns, t.response_ns, t.is_censored, t.end_ns,
        coalesce(t.admitted_at_ns, t.end_ns) AS admitted_ns,
        coalesce(b.closed_at_ns, t.admitted_at_ns, t.end_ns) AS closed_ns,
        coalesce(t.first_sent_at_ns, t.end_ns) AS first_sent_ns,
        coalesce(t.sent_at_ns, t.end_ns) AS sent_ns,
        CASE WHEN e.run IS NULL THEN 0 ELSE greatest(admitted_ns - t.offered_ns - e.blocked_ns, 0) END AS decode_ns
    FROM tail t
    LEFT JOIN batches b ON b.run = t.run AND b.batch_id = t.batch_id
    LEFT JOIN envelopes e ON e.run = t.run AND e.envelope_id = t.envelope_id AND e.outcome = 'accepted'
),
split AS (
    SELECT *, least(greatest(closed_ns, admitted_ns), first_sent_ns) AS window_end_ns FROM known
)
SELECT
    run,
    count(*) AS item_count,
    count(*) FILTER (is_censored) AS unsettled_count,
    min(response_ns) AS tail_from_ns,
    avg(response_ns) AS response_ns,
    avg(offered_ns - intended_at_ns) AS lateness_ns,
    avg(admitted_ns - offered_ns - decode_ns) AS blocked_ns,
    avg(decode_ns) AS decode_ns,
    avg(window_end_ns - admitted_ns) AS window_ns,
    avg(first_sent_ns - window_end_ns) AS queue_ns,
    avg(sent_ns - first_sent_ns) AS retry_ns,
    avg(end_ns - sent_ns) AS service_ns
FROM split
GROUP BY run
ORDER BY run;
