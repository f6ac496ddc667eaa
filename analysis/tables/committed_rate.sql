-- Question: how fast was work done while the load lasted?
-- Grain: one row a run with a known load. Unit: items per second, from the warm-up's end to the load's. Parameters: runs.warmup_ns.
-- In an open load this can't exceed what is offered; in a `saturate` run it is the capacity.
WITH settled AS (
    SELECT r.run, sum(b.item_count) FILTER (b.outcome = 'committed' AND b.settled_at_ns > r.warmup_ns AND b.settled_at_ns <= r.load_ended_at_ns)
        AS committed_count
    FROM runs r LEFT JOIN batches b ON b.run = r.run
    GROUP BY r.run
)
SELECT r.run, r.stage, r.variant, r.repeat,
    coalesce(s.committed_count, 0)::BIGINT AS committed_count,
    (r.load_ended_at_ns - r.warmup_ns) / 1e9 AS measured_s,
    coalesce(s.committed_count, 0) / ((r.load_ended_at_ns - r.warmup_ns) / 1e9) AS committed_per_s
FROM runs r JOIN settled s ON s.run = r.run
WHERE r.load_ended_at_ns > r.warmup_ns
ORDER BY r.run;
