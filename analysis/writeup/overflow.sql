-- Question: which overflow policy and capacity loses least within the SLO, and what would the earliest one lose?
-- Grain: one row, none without a run; from tables/overflow_tradeoff.sql, which it asks (below the folder that the variable `analysis`
--   names, default 'analysis'). Units: items, ratio, ms. runs: what it rests on.
-- policy, capacity: the least loss of the rows whose percentile of what was kept is within slo.bound_ms (then the earliest); where none is,
--   of all (keeps is false). early_*: the row with the lowest percentile, NULL where that is the same one.
SET VARIABLE overflow_tradeoff = (
    SELECT any_value(content) FROM read_text(coalesce(getvariable('analysis'), 'analysis') || '/tables/overflow_tradeoff.sql'));
WITH
facts AS (
    SELECT any_value(slo_percentile) AS percentile, any_value(slo_bound_ms) AS bound_ms, any_value(sink) AS sink,
        bool_or(is_simulated) AS is_simulated, list(run ORDER BY run) AS runs
    FROM runs WHERE NOT is_saturate AND status IN ('completed', 'interrupted')
),
traded AS MATERIALIZED (
    SELECT t.*, coalesce(t.p99_ms <= f.bound_ms, false) AS keeps FROM query(getvariable('overflow_tradeoff')) t, facts f WHERE t.p99_ms IS NOT NULL
),
best AS (FROM traded ORDER BY keeps DESC, loss_ratio, p99_ms LIMIT 1),
early AS (FROM traded ORDER BY p99_ms, loss_ratio LIMIT 1)
SELECT
    f.sink, f.is_simulated, f.percentile, f.bound_ms, (SELECT count(*) FROM traded) AS tried_count,
    b.keeps, b.policy, b.capacity, b.loss_ratio, b.p99_ms,
    e.policy AS early_policy, e.capacity AS early_capacity, e.loss_ratio AS early_loss_ratio, e.p99_ms AS early_p99_ms,
    f.runs
FROM facts f
JOIN best b ON true
LEFT JOIN early e ON e.policy <> b.policy OR e.capacity IS DISTINCT FROM b.capacity;
