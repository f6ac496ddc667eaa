-- Question: how many good items does skip_batch lose with the bad?
-- Grain: one row a run of the variant `skip_batch`. value: items that were not poisoned and were dropped as `skipped`.
WITH poison AS (SELECT run, item_id FROM faults WHERE fault = 'poison'),
skipped AS (
    SELECT i.run, count(*) AS item_count, count(p.item_id) AS poison_count
    FROM items i LEFT JOIN poison p ON p.run = i.run AND p.item_id = i.item_id
    WHERE i.outcome = 'dropped' AND i.reason = 'skipped'
    GROUP BY i.run
)
SELECT r.run, r.stage, r.repeat, coalesce(s.item_count, 0) - coalesce(s.poison_count, 0) AS value
FROM runs r LEFT JOIN skipped s ON s.run = r.run
WHERE r.variant = 'skip_batch' AND NOT r.is_saturate
ORDER BY r.cell_number, r.run;
