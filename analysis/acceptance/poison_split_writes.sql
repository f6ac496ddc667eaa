-- Question: in how many writes is a batch with one poisoned item done with?
-- Grain: one row a run of the variant `split_and_retry`. value: the most send attempts that one batch of up to 512 items with exactly one
-- poisoned item took, its descendants counted. Halving costs two writes a level, so at most 2·log2(512) + 1 = 19.
WITH most AS (
    SELECT run, count(*) AS batch_count, max(item_count) AS largest_item_count, max(write_count) AS write_count
    FROM poisoned_batches WHERE poison_count = 1 AND item_count <= 512 GROUP BY run
)
SELECT r.run, r.stage, r.repeat, m.batch_count, m.largest_item_count, m.write_count AS value,
    CASE WHEN value IS NULL THEN r.stage || ': no batch had exactly one poisoned item' END AS why
FROM runs r LEFT JOIN most m ON m.run = r.run
WHERE r.variant = 'split_and_retry' AND NOT r.is_saturate
ORDER BY r.cell_number, r.run;
