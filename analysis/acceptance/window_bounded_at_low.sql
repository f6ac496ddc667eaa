-- Question: at low load, is latency bounded by the timer?
-- Grain: one row a run of the stage `validate low`. value: the SLO's percentile of the response − max_wait, in ms: what is not waiting.
SELECT r.run, r.repeat, r.window_max_wait_ms AS max_wait_ms, v.value_ms AS p99_ms, v.value_ms - r.window_max_wait_ms AS value
FROM runs r
JOIN verdicts v ON v.run = r.run
WHERE r.stage = 'validate low'
ORDER BY r.repeat;
