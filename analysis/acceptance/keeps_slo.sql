-- Question: does every run keep the SLO?
-- Grain: one row a run that has an SLO verdict (a capacity run has none). value: 1 PASS, 0 FAIL, NULL undecided.
SELECT r.run, r.stage, r.variant, r.repeat, v.value_ms AS p99_ms, v.result,
    CASE v.result WHEN 'PASS' THEN 1 WHEN 'FAIL' THEN 0 END AS value,
    CASE WHEN v.result NOT IN ('PASS', 'FAIL') THEN r.variant || ': ' || v.result || ', ' || v.reason END AS why
FROM runs r
JOIN verdicts v ON v.run = r.run
WHERE v.result IS NOT NULL
ORDER BY r.cell_number, r.run;
