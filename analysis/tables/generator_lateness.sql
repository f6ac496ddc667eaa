-- Question: did the load generator offer items when they were due? (Its lateness is the instrument's fault, never the pipeline's.)
-- Grain: one row a run that has intended times (not a `saturate` run) and at least one kept item. Unit: ns.
-- Parameters: runs.warmup_ns cuts the warm-up. Nearest rank, exact, in bounded memory (see latency_bucket).
WITH
histogram AS (
    SELECT run, latency_bucket(lateness_ns) AS bucket, count(*) AS n, max(lateness_ns) AS max_ns
    FROM responses WHERE lateness_ns IS NOT NULL GROUP BY ALL
),
cumulative AS (
    SELECT *, (sum(n) OVER (PARTITION BY run ORDER BY bucket) - n)::BIGINT AS n_before,
        (sum(n) OVER (PARTITION BY run))::BIGINT AS item_count
    FROM histogram
),
located AS (
    SELECT c.run, q.quantile, c.bucket, c.n_before, nearest_rank(c.item_count, q.ppm) AS rank
    FROM cumulative c
    JOIN (VALUES ('p50', 500000), ('p99', 990000)) q(quantile, ppm)
        ON nearest_rank(c.item_count, q.ppm) > c.n_before AND nearest_rank(c.item_count, q.ppm) <= c.n_before + c.n
),
inside AS (
    -- A list rather than a join: the planner would put the millions of items on the side that is held in memory.
    SELECT run, latency_bucket(lateness_ns) AS bucket, lateness_ns AS value_ns, count(*) AS n
    FROM responses
    WHERE list_contains((SELECT list(bucket) FROM located), latency_bucket(lateness_ns))
    GROUP BY ALL
),
inside_cumulative AS (
    SELECT *, sum(n) OVER (PARTITION BY run, bucket ORDER BY value_ns) AS n_up_to FROM inside
),
quantiles AS (
    SELECT l.run, l.quantile, min(i.value_ns) AS value_ns
    FROM located l JOIN inside_cumulative i ON i.run = l.run AND i.bucket = l.bucket AND l.n_before + i.n_up_to >= l.rank
    GROUP BY ALL
)
SELECT
    c.run,
    any_value(c.item_count) AS item_count,
    any_value(q.p50_ns) AS p50_ns,
    any_value(q.p99_ns) AS p99_ns,
    max(c.max_ns) AS max_ns
FROM cumulative c
JOIN (
    SELECT run, max(value_ns) FILTER (quantile = 'p50') AS p50_ns, max(value_ns) FILTER (quantile = 'p99') AS p99_ns
    FROM quantiles GROUP BY run
) q ON q.run = c.run
GROUP BY c.run
ORDER BY c.run;
