-- Question: did the load generator offer items when they were due? (Its lateness is the instrument's fault, never the pipeline's.)
-- Grain: one row a run that has intended times (not a `saturate` run) and at least one kept item. Unit: ns.
-- Parameters: runs.warmup_ns cuts the warm-up. Nearest rank, exact, in bounded memory (see latency_bucket).
WITH
cumulative AS (
    SELECT run, bucket, n, (sum(n) OVER up_to - n)::BIGINT AS n_before, (sum(n) OVER (PARTITION BY run))::BIGINT AS item_count
    FROM (SELECT run, bucket, sum(item_count)::BIGINT AS n FROM latency_histogram WHERE measure = 'lateness' GROUP BY ALL)
    WINDOW up_to AS (PARTITION BY run ORDER BY bucket)
),
located AS MATERIALIZED (
    SELECT c.run, q.quantile, c.item_count, c.bucket, c.n_before, nearest_rank(c.item_count, q.ppm) AS rank
    FROM cumulative c
    JOIN (VALUES ('p50', 500000), ('p99', 990000), ('max', 1000000)) q(quantile, ppm)
        ON nearest_rank(c.item_count, q.ppm) > c.n_before AND nearest_rank(c.item_count, q.ppm) <= c.n_before + c.n
),
looked_into AS (SELECT by_run(list((run, buckets))) AS buckets FROM (
    SELECT run, list(DISTINCT bucket) AS buckets FROM located WHERE NOT is_single(bucket) GROUP BY run
)),
inside AS (
    -- Items that are not late need no look: most, with a good generator.
    SELECT run, latency_bucket(lateness_ns) AS bucket, lateness_ns AS value_ns, count(*) AS n
    FROM responses
    WHERE offered_at_ns > intended_at_ns AND list_contains((SELECT buckets FROM looked_into)[run], latency_bucket(lateness_ns))
    GROUP BY ALL
),
inside_cumulative AS (
    SELECT *, sum(n) OVER (PARTITION BY run, bucket ORDER BY value_ns) AS n_up_to FROM inside
),
quantiles AS (
    SELECT l.run, l.quantile, l.item_count,
        CASE WHEN is_single(l.bucket) THEN round(latency_of(l.bucket))::BIGINT ELSE min(i.value_ns) END AS value_ns
    FROM located l LEFT JOIN inside_cumulative i ON i.run = l.run AND i.bucket = l.bucket AND l.n_before + i.n_up_to >= l.rank
    GROUP BY l.run, l.quantile, l.item_count, l.bucket
)
SELECT
    run,
    any_value(item_count) AS item_count,
    max(value_ns) FILTER (quantile = 'p50') AS p50_ns,
    max(value_ns) FILTER (quantile = 'p99') AS p99_ns,
    max(value_ns) FILTER (quantile = 'max') AS max_ns
FROM quantiles
GROUP BY run
ORDER BY run;
