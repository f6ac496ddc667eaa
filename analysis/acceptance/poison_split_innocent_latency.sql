-- Question: how late are the innocent with split_and_retry, against the same arrivals without poison?
-- Grain: one row a run of the variant `split_and_retry` beside a `control` of the same seed, load and stage (a pair). ratio: the percentile
-- that the SLO names (p99), over all items that were not poisoned, ÷ what is allowed, which is fixed here: the control's + a quarter of the
-- SLO's bound. NULL where it is more and the host was disturbed beside one of the two, or the control itself is over the SLO's bound.
-- value: the median of the stage's pairs, since one slow second of the disk spoils one of them; NULL where most of them have no ratio.
WITH
counted AS (
    SELECT r.run, r.stage, r.variant, r.seed, r.repeat, r.load_rate_per_s, r.slo_ppm, r.slo_bound_ms, r.cell_number, i.bucket,
        r.is_disturbed OR v.result IS NOT DISTINCT FROM 'INVALID' AS is_disturbed, sum(i.item_count)::BIGINT AS n
    FROM innocents i JOIN runs r ON r.run = i.run JOIN verdicts v ON v.run = r.run
    WHERE r.variant IN ('split_and_retry', 'control')
    GROUP BY ALL
),
cumulative AS (
    SELECT *, sum(n) OVER (PARTITION BY run ORDER BY bucket) AS n_up_to, (sum(n) OVER (PARTITION BY run))::BIGINT AS item_count FROM counted
),
percentiles AS (
    SELECT run, stage, variant, seed, repeat, load_rate_per_s, slo_bound_ms, min(cell_number) AS cell_number, bool_or(is_disturbed) AS is_disturbed,
        latency_of(min(bucket) FILTER (n_up_to >= nearest_rank(item_count, slo_ppm))) / 1e6 AS p99_ms
    FROM cumulative GROUP BY ALL
),
pairs AS (
    SELECT s.run, c.run AS other_run, s.cell_number, s.stage, s.repeat, s.p99_ms, c.p99_ms AS control_ms, c.p99_ms + s.slo_bound_ms / 4 AS allowed_ms,
        CASE WHEN c.p99_ms > c.slo_bound_ms THEN 'the control breaks the SLO too'
             WHEN s.p99_ms > allowed_ms AND (s.is_disturbed OR c.is_disturbed) THEN 'the host was disturbed' END || ', repeat ' || s.repeat AS note,
        CASE WHEN note IS NULL THEN s.p99_ms / allowed_ms END AS ratio
    FROM percentiles s
    JOIN percentiles c ON c.variant = 'control' AND c.stage = s.stage AND c.seed = s.seed AND c.load_rate_per_s = s.load_rate_per_s
    WHERE s.variant = 'split_and_retry'
)
SELECT run, other_run, stage, repeat, p99_ms, control_ms, allowed_ms, ratio,
    CASE WHEN 2 * count(ratio) OVER stages > count(*) OVER stages THEN median(ratio) OVER stages END AS value,
    CASE WHEN value IS NULL THEN max(note) OVER stages END AS why
FROM pairs
WINDOW stages AS (PARTITION BY stage)
ORDER BY cell_number, run;
