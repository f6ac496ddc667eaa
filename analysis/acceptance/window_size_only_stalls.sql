-- Question: does a window without a timer break the SLO at low load?
-- Grain: one row a run of the stage `contrast low`. value: 1 if it does (FAIL), 0 if it keeps it, NULL undecided.
SELECT r.run, r.repeat, v.value_ms AS p99_ms, v.result,
    CASE v.result WHEN 'FAIL' THEN 1 WHEN 'PASS' THEN 0 END AS value,
    CASE WHEN v.result NOT IN ('PASS', 'FAIL') THEN v.result || ', ' || v.reason END AS why
FROM runs r
JOIN verdicts v ON v.run = r.run
WHERE r.stage = 'contrast low'
ORDER BY r.repeat;
