-- Question: does the chosen window keep the SLO on loads that it was not tuned on?
-- Grain: one row a run of a stage `validate …`. value: 1 PASS, 0 FAIL, NULL undecided. p99_ms: the SLO's percentile.
SELECT r.run, r.stage, r.repeat, v.value_ms AS p99_ms, v.low_ms, v.high_ms, v.result,
    CASE v.result WHEN 'PASS' THEN 1 WHEN 'FAIL' THEN 0 END AS value,
    CASE WHEN v.result NOT IN ('PASS', 'FAIL') THEN r.stage || ': ' || v.result || ', ' || v.reason END AS why
FROM runs r
JOIN verdicts v ON v.run = r.run
WHERE r.stage LIKE 'validate %'
ORDER BY r.cell_number;
