-- Question: is what the drop counter says what the sink lacks?
-- Grain: one row a run that came to its end. value: ids missing from the sink, by its own read-back, minus what the counters say was dropped,
-- dead-lettered or never settled; 0: they agree. That the ids are the same ones is the read-back audit's: NULL where it did not hold.
SELECT r.run, r.variant, r.repeat, r.offered,
    (r.manifest ->> '$.self_checks.readback.held')::BIGINT AS held,
    (r.manifest ->> '$.counters.dropped')::BIGINT AS dropped,
    CASE WHEN (r.manifest ->> '$.self_checks.readback.ok')::BOOLEAN AND (r.manifest ->> '$.self_checks.ledger.balanced')::BOOLEAN
        THEN r.offered - held - dropped - (r.manifest ->> '$.counters.dead_lettered')::BIGINT - (r.manifest ->> '$.counters.unsettled')::BIGINT
    END AS value,
    CASE WHEN value IS NULL THEN r.variant || ': the sink was not read back, or does not hold what was committed' END AS why
FROM runs r
WHERE NOT r.is_saturate AND r.status = 'completed'
ORDER BY r.cell_number;
