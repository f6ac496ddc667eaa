-- Question: how many times more does batching commit when the sink is saturated?
-- Grain: one row a repeat of the stage `capacity` with both variants (the same seed: a pair). Parameters: runs.warmup_ns.
-- value: committed items/s of `batched` ÷ of `per_item`, from the warm-up's end to the load's end.
WITH rates AS (
    SELECT any_value(r.run) AS run, r.repeat, r.variant, sum(b.item_count) / ((any_value(r.load_ended_at_ns) - any_value(r.warmup_ns)) / 1e9) AS committed_per_s
    FROM runs r
    JOIN batches b ON b.run = r.run
    WHERE r.stage = 'capacity' AND b.outcome = 'committed' AND b.settled_at_ns > r.warmup_ns AND b.settled_at_ns <= r.load_ended_at_ns
    GROUP BY r.repeat, r.variant
)
SELECT p.run, b.run AS other_run, p.repeat, p.committed_per_s AS per_item_per_s, b.committed_per_s AS batched_per_s, b.committed_per_s / p.committed_per_s AS value
FROM rates p
JOIN rates b ON b.repeat = p.repeat AND b.variant = 'batched'
WHERE p.variant = 'per_item'
ORDER BY p.repeat;
