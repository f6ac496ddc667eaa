-- Question: how often does the chosen metric cry wolf on healthy runs that its threshold was not set on?
-- Grain: one row, of the metric ranked first among the simulated runs. value: alarms in a minute of the healthy test runs.
-- From tables/alert_lead_time.sql, below the folder that the variable `analysis` names (default 'analysis').
SET VARIABLE alert_lead_time = (
    SELECT any_value(content) FROM read_text(coalesce(getvariable('analysis'), 'analysis') || '/tables/alert_lead_time.sql'));
CREATE TEMP TABLE IF NOT EXISTS alert_leads AS FROM query(getvariable('alert_lead_time')); -- once for all criteria
SELECT metric, threshold, healthy_test_min, healthy_alarms_per_min AS value,
    CASE WHEN healthy_alarms_per_min IS NULL THEN 'there is no healthy test run' END AS why
FROM alert_leads
WHERE clock = 'simulated' AND rank = 1;
