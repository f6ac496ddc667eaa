-- Question: what do poisoned items cost the innocent: those once in a batch with one, and all of them?
-- Grain: one row per stage and variant with an intended load, repeats pooled, in the order of the cells. Parameters: runs.warmup_ns.
-- Response in ms, at the percentile that the SLO names (p99 for short), to 0.03 %. Innocent: committed or unsettled, due after the
-- warm-up, not poisoned; an unsettled one counts with its age at the run's end, so its value is a lower bound (unsettled says how many).
--   mates       innocents that were closed into one batch with a poisoned item, whichever attempt carried them in the end (the view
--               poisoned_batches)
--   control_ms  p99 of the variant `control`: the same arrivals (seeds) without poison; NULL where there is none
WITH
grouped AS (
    SELECT r.stage, r.variant, any_value(r.slo_ppm) AS slo_ppm, i.bucket, sum(i.item_count)::BIGINT AS n,
        coalesce(sum(i.item_count) FILTER (i.is_mate), 0)::BIGINT AS mates,
        coalesce(sum(i.item_count) FILTER (i.is_censored), 0)::BIGINT AS unsettled, min(r.cell_number) AS cell_number
    FROM innocents i JOIN runs r ON r.run = i.run
    GROUP BY r.stage, r.variant, i.bucket
),
cumulative AS (
    SELECT *,
        sum(n) OVER up_to AS n_up_to, sum(mates) OVER up_to AS mates_up_to,
        (sum(n) OVER (PARTITION BY stage, variant))::BIGINT AS innocent_count, (sum(mates) OVER (PARTITION BY stage, variant))::BIGINT AS mate_count
    FROM grouped WINDOW up_to AS (PARTITION BY stage, variant ORDER BY bucket)
),
percentiles AS (
    SELECT stage, variant, min(cell_number) AS cell_number,
        any_value(innocent_count) AS innocent_count, any_value(mate_count) AS mate_count, sum(unsettled)::BIGINT AS unsettled,
        latency_of(min(bucket) FILTER (n_up_to >= nearest_rank(innocent_count, slo_ppm))) / 1e6 AS innocent_p99_ms,
        latency_of(min(bucket) FILTER (mate_count > 0 AND mates_up_to >= nearest_rank(mate_count, 500000))) / 1e6 AS mate_p50_ms,
        latency_of(min(bucket) FILTER (mate_count > 0 AND mates_up_to >= nearest_rank(mate_count, slo_ppm))) / 1e6 AS mate_p99_ms
    FROM cumulative GROUP BY stage, variant
)
SELECT
    stage, variant, innocent_count AS innocents, innocent_p99_ms, mate_count AS mates, mate_p50_ms, mate_p99_ms,
    (SELECT max(c.innocent_p99_ms) FROM percentiles c WHERE c.variant = 'control') AS control_ms,
    unsettled
FROM percentiles
ORDER BY cell_number NULLS LAST, stage, variant;
