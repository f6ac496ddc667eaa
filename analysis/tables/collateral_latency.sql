-- Question: what do poisoned items cost the innocent: those once in a batch with one, and all of them?
-- Grain: one row per stage and variant with an intended load, repeats pooled, in the order of the cells. Parameters: runs.warmup_ns.
-- Response in ms, at the percentile that the SLO names (p99 for short), to 0.03 %. Innocent: committed or unsettled, due after the
-- warm-up, not poisoned; an unsettled one counts with its age at the run's end, so its value is a lower bound (unsettled says how many).
--   mates       innocents that were closed into one batch with a poisoned item, whichever attempt carried them in the end (the view
--               poisoned_batches)
--   control_ms  p99 of the variant `control`: without poison at the same offered rate; NULL where there is none
WITH
grouped AS (
    SELECT r.stage, r.variant, any_value(r.slo_ppm) AS slo_ppm, any_value(r.load_rate_per_s) AS rate_per_s, i.bucket, sum(i.item_count)::BIGINT AS n,
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
    SELECT stage, variant, min(cell_number) AS cell_number, any_value(rate_per_s) AS rate_per_s,
        any_value(innocent_count) AS innocent_count, any_value(mate_count) AS mate_count, sum(unsettled)::BIGINT AS unsettled,
        latency_of(min(bucket) FILTER (n_up_to >= nearest_rank(innocent_count, slo_ppm))) / 1e6 AS innocent_p99_ms,
        latency_of(min(bucket) FILTER (mate_count > 0 AND mates_up_to >= nearest_rank(mate_count, 500000))) / 1e6 AS mate_p50_ms,
        latency_of(min(bucket) FILTER (mate_count > 0 AND mates_up_to >= nearest_rank(mate_count, slo_ppm))) / 1e6 AS mate_p99_ms
    FROM cumulative GROUP BY stage, variant
)
SELECT
    p.stage, p.variant, p.innocent_count AS innocents, p.innocent_p99_ms, p.mate_count AS mates, p.mate_p50_ms, p.mate_p99_ms,
    c.control_ms, p.unsettled
FROM percentiles p
LEFT JOIN (SELECT rate_per_s, max(innocent_p99_ms) AS control_ms FROM percentiles WHERE variant = 'control' GROUP BY rate_per_s) c
    ON c.rate_per_s = p.rate_per_s
ORDER BY p.cell_number NULLS LAST, p.stage, p.variant;
