-- Question: does the live traffic keep the SLO while dead letters are redriven beside it?
-- Grain: one row a redrive that came to its end. value: 1 PASS, 0 FAIL, NULL undecided. The redriven items are not in its percentiles.
SELECT r.run, r.stage, r.variant, r.repeat, v.result, v.value_ms, v.low_ms, v.high_ms,
    CASE v.result WHEN 'PASS' THEN 1 WHEN 'FAIL' THEN 0 END AS value,
    CASE WHEN v.result NOT IN ('PASS', 'FAIL') THEN r.stage || ' ' || r.variant || ': ' || v.result || ', ' || v.reason END AS why
FROM runs r
JOIN verdicts v ON v.run = r.run
WHERE r.stage IN ('redrive', 'unfixed', 'again')
ORDER BY r.run;
