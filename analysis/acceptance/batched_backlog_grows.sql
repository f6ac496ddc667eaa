-- Question: does batching keep up with the load that saturates the sink item by item?
-- Grain: one row a run of the stage `same load`, variant `batched`. value: 1 if the backlog grows while the load lasts,
-- else 0; NULL where the instrument decided it.
SELECT r.run, r.repeat, v.growing, v.result,
    CASE WHEN NOT v.growing OR v.result IS DISTINCT FROM 'INVALID' THEN v.growing::INTEGER END AS value,
    CASE WHEN value IS NULL THEN v.result || ', ' || v.reason END AS why
FROM runs r
JOIN verdicts v ON v.run = r.run
WHERE r.stage = 'same load' AND r.variant = 'batched'
ORDER BY r.repeat;
