-- Question: what did each variant achieve at each stage of a sweep, and how many times more than the stage's first variant?
-- Grain: one row per stage and variant, repeats pooled, in the order of the cells. Parameters: runs.warmup_ns.
-- Units: items per second (offered while the load lasted, committed from the warm-up's end to the load's), counts per committed item
-- (failed attempts included: their cost was paid), ms. In a `saturate` run offered is what was taken in.
-- p50_ms, p99_ms: of the response, over the items of all repeats, to 0.05 %; p99 stands for the percentile that the SLO names. NULL for
--   `saturate` runs. An unsettled item counts with its age: where growing_count > 0 they grow with the run and only say "at least".
-- p99_low_ms, p99_high_ms: the smallest and the largest p99 of a single repeat; NULL where there is one.
-- growing_count: repeats whose backlog grew, by their recorded verdicts.
-- verdict: the worst that was recorded (FAIL, INVALID, INCONCLUSIVE, PASS); `capacity` for saturate runs, which have none; else NULL.
-- speedup: committed_per_s ÷ that of the stage's first variant.
WITH
settled AS (
    SELECT run, sum(item_count) FILTER (outcome = 'committed') AS committed_count FROM fates GROUP BY run
),
sent AS (
    SELECT b.run, count(*) AS batch_count, sum(b.commits) AS commits, sum(b.fsyncs) AS fsyncs, sum(b.round_trips) AS round_trips,
        sum(b.syscalls) AS syscalls,
        sum(b.item_count) FILTER (b.outcome = 'committed' AND b.settled_at_ns > r.warmup_ns AND b.settled_at_ns <= r.load_ended_at_ns)
            AS committed_in_load_count
    FROM batches b JOIN runs r ON r.run = b.run
    GROUP BY b.run
),
totals AS (
    SELECT
        r.stage, r.variant, min(r.cell_number) AS first_cell, min(r.run) AS first_run, count(*) AS run_count, max(r.slo_ppm) AS ppm,
        sum(r.offered) / (sum(r.load_ended_at_ns) FILTER (r.offered IS NOT NULL AND r.load_ended_at_ns > 0) / 1e9) AS offered_per_s,
        sum(coalesce(s.committed_in_load_count, 0)) FILTER (r.load_ended_at_ns > r.warmup_ns)
            / (sum(r.load_ended_at_ns - r.warmup_ns) FILTER (r.load_ended_at_ns > r.warmup_ns) / 1e9) AS committed_per_s,
        sum(i.committed_count) / sum(s.batch_count) AS items_per_batch,
        nullif(sum(i.committed_count), 0) AS committed,
        sum(s.commits) AS commits, sum(s.fsyncs) AS fsyncs, sum(s.round_trips) AS round_trips, sum(s.syscalls) AS syscalls,
        count(*) FILTER (v.growing) AS growing_count,
        -- FAIL < INCONCLUSIVE < INVALID < PASS by name: the worst needs an order of its own.
        ['FAIL', 'INVALID', 'INCONCLUSIVE', 'PASS'][min(list_position(['FAIL', 'INVALID', 'INCONCLUSIVE', 'PASS'], v.result))] AS worst,
        bool_and(r.is_saturate) AS is_saturate
    FROM runs r
    LEFT JOIN settled i ON i.run = r.run
    LEFT JOIN sent s ON s.run = r.run
    LEFT JOIN verdicts v ON v.run = r.run
    GROUP BY r.stage, r.variant
),
responses_by_bucket AS (
    SELECT r.stage, r.variant, h.run, h.bucket, sum(h.item_count)::BIGINT AS n
    FROM latency_histogram h JOIN runs r ON r.run = h.run
    WHERE h.measure = 'response'
    GROUP BY ALL
),
-- Once pooled (run NULL), once run by run.
cumulative AS (
    SELECT c.stage, c.variant, c.run, c.bucket, t.ppm,
        (sum(c.n) OVER (PARTITION BY c.stage, c.variant, c.run ORDER BY c.bucket))::BIGINT AS n_up_to,
        (sum(c.n) OVER (PARTITION BY c.stage, c.variant, c.run))::BIGINT AS item_count
    FROM (
        SELECT * FROM responses_by_bucket
        UNION ALL
        SELECT stage, variant, NULL, bucket, sum(n)::BIGINT FROM responses_by_bucket GROUP BY ALL
    ) c
    JOIN totals t ON t.stage = c.stage AND t.variant = c.variant
),
quantiles AS (
    SELECT stage, variant, run,
        latency_of(min(bucket) FILTER (n_up_to >= nearest_rank(item_count, 500000))) / 1e6 AS p50_ms,
        latency_of(min(bucket) FILTER (n_up_to >= nearest_rank(item_count, ppm))) / 1e6 AS p99_ms
    FROM cumulative
    GROUP BY ALL
),
latencies AS (
    SELECT stage, variant,
        max(p50_ms) FILTER (run IS NULL) AS p50_ms, max(p99_ms) FILTER (run IS NULL) AS p99_ms,
        CASE WHEN count(run) > 1 THEN min(p99_ms) FILTER (run IS NOT NULL) END AS p99_low_ms,
        CASE WHEN count(run) > 1 THEN max(p99_ms) FILTER (run IS NOT NULL) END AS p99_high_ms
    FROM quantiles
    GROUP BY stage, variant
)
SELECT
    t.stage, t.variant, t.run_count, t.offered_per_s, t.committed_per_s, t.items_per_batch,
    t.commits / t.committed AS commits_per_item,
    t.fsyncs / t.committed AS fsyncs_per_item,
    t.round_trips / t.committed AS round_trips_per_item,
    t.syscalls / t.committed AS syscalls_per_item,
    l.p50_ms, l.p99_ms, l.p99_low_ms, l.p99_high_ms,
    t.growing_count,
    coalesce(t.worst, CASE WHEN t.is_saturate THEN 'capacity' END) AS verdict,
    t.committed_per_s / nullif(first_value(t.committed_per_s) OVER (PARTITION BY t.stage ORDER BY t.first_cell NULLS LAST, t.first_run), 0)
        AS speedup
FROM totals t
LEFT JOIN latencies l ON l.stage = t.stage AND l.variant = t.variant
ORDER BY min(t.first_cell) OVER (PARTITION BY t.stage) NULLS LAST, t.stage, t.first_cell NULLS LAST, t.first_run;
