-- Question: what is the response of a committed item made of, on average?
-- Grain: one row a run that has a response latency. Unit: ns, means over the committed items due after the warm-up (runs.warmup_ns).
-- The parts are those of latency_blame.sql and sum to the response: lateness = offered - intended, blocked = admitted - offered,
-- window = closed - admitted (never past first_sent; 0 for an item that joined after the close), queue = first_sent - max(closed, admitted),
-- retry = sent - first_sent, service = settled - sent.
WITH split AS (
    SELECT i.run, i.intended_at_ns, i.offered_at_ns, i.admitted_at_ns, i.first_sent_at_ns, i.sent_at_ns, i.settled_at_ns,
        least(greatest(b.closed_at_ns, i.admitted_at_ns), i.first_sent_at_ns) AS window_end_ns
    FROM items i
    JOIN runs r ON r.run = i.run
    JOIN batches b ON b.run = i.run AND b.batch_id = i.batch_id
    WHERE i.outcome = 'committed' AND i.intended_at_ns >= r.warmup_ns AND NOT r.is_saturate
)
SELECT
    run,
    count(*) AS item_count,
    avg(settled_at_ns - intended_at_ns) AS response_ns,
    avg(offered_at_ns - intended_at_ns) AS lateness_ns,
    avg(admitted_at_ns - offered_at_ns) AS blocked_ns,
    avg(window_end_ns - admitted_at_ns) AS window_ns,
    avg(first_sent_at_ns - window_end_ns) AS queue_ns,
    avg(sent_at_ns - first_sent_at_ns) AS retry_ns,
    avg(settled_at_ns - sent_at_ns) AS service_ns
FROM split
GROUP BY run
ORDER BY run;
