-- Question: do blocking and spilling lose nothing?
-- Grain: one row a run of the policies `block` and `spill`. value: offered items that the sink does not hold, by its own read-back.
SELECT r.run, r.variant, r.repeat, r.status, r.offered,
    (r.manifest ->> '$.self_checks.readback.held')::BIGINT AS held,
    r.offered - held AS value,
    CASE WHEN r.status <> 'completed' THEN r.variant || ': the run is ' || r.status END AS why
FROM runs r
WHERE NOT r.is_saturate AND r.manifest ->> '$.config.policy.kind' IN ('block', 'spill')
ORDER BY r.cell_number;
