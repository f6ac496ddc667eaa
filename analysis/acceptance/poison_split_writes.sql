-- Question: in how many writes is a batch with one poisoned item done with?
-- Grain: one row a run of the variant `split_and_retry`. value: the most send attempts that one batch of up to 512 items with exactly one
-- poisoned item took, its descendants counted. Halving costs two writes a level, so at most 2·log2(512) + 1 = 19. A batch whose poisoned
-- item has not settled at the run's end is not done with: it counts with one more write for each of its items, more than any halving.
WITH lone AS (
    SELECT p.run, p.item_count, p.write_count, i.outcome = 'unsettled' AS is_open
    FROM poisoned_batches p
    JOIN faults f ON f.run = p.run AND f.fault = 'poison' AND f.item_id BETWEEN p.first_item_id AND p.last_item_id
    JOIN items i ON i.run = f.run AND i.item_id = f.item_id
    WHERE p.poison_count = 1 AND p.item_count <= 512
),
most AS (
    SELECT run, count(*) AS batch_count, count(*) FILTER (is_open) AS open_count, max(item_count) AS largest_item_count,
        max(write_count + CASE WHEN is_open THEN item_count ELSE 0 END) AS write_count
    FROM lone GROUP BY run
)
SELECT r.run, r.stage, r.repeat, m.batch_count, m.open_count, m.largest_item_count, m.write_count AS value,
    CASE WHEN value IS NULL THEN r.stage || ': no batch had exactly one poisoned item' END AS why
FROM runs r LEFT JOIN most m ON m.run = r.run
WHERE r.variant = 'split_and_retry' AND NOT r.is_saturate
ORDER BY r.cell_number, r.run;
