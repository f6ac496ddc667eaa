-- Question: does the load bite? Dropping policies have to drop, or nothing was shown.
-- Grain: one row a run of the policies `drop_newest` and `drop_oldest`. value: dropped ÷ offered.
SELECT r.run, r.variant, r.repeat, (r.manifest ->> '$.counters.dropped')::BIGINT / r.offered AS value
FROM runs r
WHERE NOT r.is_saturate AND r.manifest ->> '$.config.policy.kind' IN ('drop_newest', 'drop_oldest')
ORDER BY r.cell_number;
