-- Question: how many of bisection's extra writes are left where the sink names the items?
-- Grain: one row per run of the variant `report_items` and the run of `split_and_retry` with the same seed, load and number of poisoned
-- items. value: send attempts beyond the first of each batch, `report_items` ÷ `split_and_retry`.
WITH extra AS (
    SELECT r.run, r.variant, r.stage, r.seed, r.load_rate_per_s, r.cell_number,
        (SELECT count(*) FROM faults f WHERE f.run = r.run AND f.fault = 'poison') AS poison_count,
        (SELECT count(*) FROM batches b WHERE b.run = r.run AND b.parent_batch_id IS NOT NULL) AS write_count
    FROM runs r
    WHERE r.variant IN ('split_and_retry', 'report_items') AND NOT r.is_saturate
)
SELECT n.run, s.run AS other_run, n.stage, n.poison_count, n.write_count AS report_items_writes, s.write_count AS split_and_retry_writes,
    n.write_count / nullif(s.write_count, 0) AS value
FROM extra n
JOIN extra s ON s.variant = 'split_and_retry' AND s.seed = n.seed AND s.load_rate_per_s = n.load_rate_per_s AND s.poison_count = n.poison_count
WHERE n.variant = 'report_items' AND n.poison_count > 0
ORDER BY n.cell_number, n.run;
