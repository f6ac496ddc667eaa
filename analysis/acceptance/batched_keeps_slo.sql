-- Question: is the batched p99 under the SLO, at the load that saturates the sink item by item and near batching's own limit?
-- Grain: one row a run of the stages `same load` and `near the limit`, variant `batched`. value: 1 if the run's verdict is PASS, else 0.
SELECT r.run, r.stage, r.repeat, v.result, v.value_ms, v.low_ms, v.high_ms, (v.result = 'PASS')::INTEGER AS value
FROM runs r
JOIN verdicts v ON v.run = r.run
WHERE r.stage IN ('same load', 'near the limit') AND r.variant = 'batched'
ORDER BY r.stage DESC, r.repeat;
