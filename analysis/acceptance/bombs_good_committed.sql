-- Question: did the good traffic around the bombs come through whole?
-- Grain: one row a capped run. value: good envelopes that were rejected + items of accepted envelopes that were not committed; NULL where the
-- sink's read-back does not agree with what was committed.
WITH counted AS (
    SELECT run, count(*) FILTER (NOT is_bomb AND outcome = 'rejected') AS good_rejected,
        coalesce(sum(item_count) FILTER (outcome = 'accepted'), 0)::BIGINT AS accepted_items
    FROM envelopes GROUP BY run
)
SELECT r.run, r.variant, r.repeat, c.good_rejected, c.accepted_items, r.committed,
    CASE WHEN (r.manifest ->> '$.self_checks.readback.ok')::BOOLEAN THEN c.good_rejected + c.accepted_items - r.committed END AS value,
    CASE WHEN value IS NULL THEN r.variant || ': the sink was not read back, or does not hold what was committed' END AS why
FROM runs r JOIN counted c ON c.run = r.run
WHERE r.variant LIKE 'capped%'
ORDER BY r.cell_number;
