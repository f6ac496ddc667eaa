-- Question: which metric to alert on first, and what is it worth on runs it was not chosen on?
-- Grain: one row, the metric ranked first by tables/alert_lead_time.sql, which it asks (below the folder that the variable `analysis`
--   names, default 'analysis'); of the simulated runs, or of the live ones where there are no others. None where no metric is ranked.
-- Units: ms, the metric's own. next_*: the second. runs: what it rests on.
SET VARIABLE alert_lead_time = (
    SELECT any_value(content) FROM read_text(coalesce(getvariable('analysis'), 'analysis') || '/tables/alert_lead_time.sql'));
WITH
scored AS MATERIALIZED (FROM query(getvariable('alert_lead_time'))),
first AS (FROM scored WHERE rank = 1 ORDER BY clock DESC LIMIT 1)
SELECT
    f.metric, f.clock = 'simulated' AS is_simulated, f.threshold, f.test_lead_p50_ms AS lead_ms, f.test_lead_min_ms AS least_lead_ms,
    f.test_miss_count AS miss_count, f.test_run_count AS run_count, f.healthy_alarms_per_min AS alarms_per_min,
    n.metric AS next_metric, n.test_miss_count AS next_miss_count, n.test_lead_p50_ms AS next_lead_ms,
    (SELECT list(r.run ORDER BY r.run) FROM runs r
        WHERE (r.stage LIKE 'train %' OR r.stage LIKE 'test %') AND r.is_simulated = (f.clock = 'simulated')) AS runs
FROM first f
LEFT JOIN scored n ON n.clock = f.clock AND n.rank = 2;
