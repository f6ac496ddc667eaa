-- Question: does the metric that was chosen on simulated runs lead on live ones?
-- Grain: one row, of the metric ranked first among the simulated runs by tables/alert_lead_time.sql, which it asks (below the folder that
--   the variable `analysis` names, default 'analysis'). None without a live test run that broke the SLO. Units: ms, the metric's own.
-- runs: the live runs it rests on.
SET VARIABLE alert_lead_time = (
    SELECT any_value(content) FROM read_text(coalesce(getvariable('analysis'), 'analysis') || '/tables/alert_lead_time.sql'));
WITH scored AS MATERIALIZED (FROM query(getvariable('alert_lead_time')))
SELECT threshold AS live_threshold, test_lead_p50_ms AS live_lead_ms, test_miss_count AS live_miss_count, test_run_count AS live_run_count,
    healthy_alarms_per_min AS live_alarms_per_min,
    (SELECT list(run ORDER BY run) FROM runs WHERE (stage LIKE 'train %' OR stage LIKE 'test %') AND NOT is_simulated) AS runs
FROM scored
WHERE clock = 'live' AND test_run_count > 0 AND metric = (SELECT metric FROM scored WHERE clock = 'simulated' AND rank = 1);
