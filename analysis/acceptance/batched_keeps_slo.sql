-- Question: is the batched p99 under the SLO, at the load that saturates the sink item by item and near batching's own limit?
-- Grain: one row a run of the stages `same load` and `near the limit`, variant `batched`. value: 1 PASS, 0 FAIL, NULL undecided.
SELECT r.run, r.stage, r.repeat, v.result, v.value_ms, v.low_ms, v.high_ms,
    CASE v.result WHEN 'PASS' THEN 1 WHEN 'FAIL' THEN 0 END AS value,
    CASE WHEN v.result NOT IN ('PASS', 'FAIL') THEN r.stage || ': ' || v.result || ', ' || v.reason END AS why
FROM runs r
JOIN verdicts v ON v.run = r.run
WHERE r.stage IN ('same load', 'near the limit') AND r.variant = 'batched'
ORDER BY r.stage DESC, r.repeat;
