-- Question: does the metric that was chosen on simulated runs lead the SLO breach on live runs as well?
-- Grain: one row, of the metric ranked first among the simulated runs, if there are live ones. value: median lead on the live test runs, ms,
-- with the threshold that the live healthy train runs give; 0 if it missed one of them.
-- From tables/alert_lead_time.sql, below the folder that the variable `analysis` names (default 'analysis').
SET VARIABLE alert_lead_time = (
    SELECT any_value(content) FROM read_text(coalesce(getvariable('analysis'), 'analysis') || '/tables/alert_lead_time.sql'));
CREATE TEMP TABLE IF NOT EXISTS alert_leads AS FROM query(getvariable('alert_lead_time')); -- once for all criteria
SELECT metric, threshold, test_lead_p50_ms, test_miss_count, test_run_count,
    CASE WHEN test_run_count > 0 THEN CASE WHEN test_miss_count = 0 THEN test_lead_p50_ms ELSE 0 END END AS value,
    CASE WHEN value IS NULL THEN coalesce(why, 'no live test run broke the SLO') END AS why
FROM alert_leads
WHERE clock = 'live' AND metric = (SELECT metric FROM alert_leads WHERE clock = 'simulated' AND rank = 1);
