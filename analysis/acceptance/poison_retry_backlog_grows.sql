-- Question: does one batch that is retried without an end hold up everything behind it?
-- Grain: one row a run of the variant `retry_batch`. value: 1 if nothing was committed any more from the end of the first attempt at a
-- poisoned batch to the load's end, the verdict says that the backlog grows, and is no PASS; else 0; NULL where no poisoned batch was sent.
-- That a host was disturbed (INVALID) changes nothing about it: why nothing settled is in the trace.
WITH held_up AS (
    SELECT p.run, min(b.settled_at_ns) AS from_ns
    FROM poisoned_batches p JOIN batches b ON b.run = p.run AND b.batch_id = p.batch_id
    GROUP BY p.run
),
passed AS (
    SELECT h.run, any_value(h.from_ns) AS from_ns, count(b.batch_id) AS batch_count
    FROM held_up h
    LEFT JOIN batches b ON b.run = h.run AND b.outcome = 'committed' AND b.settled_at_ns > h.from_ns
    GROUP BY h.run
)
SELECT r.run, r.stage, r.repeat, p.from_ns / 1e9 AS held_up_from_s, p.batch_count AS passed_batch_count, v.growing, v.result,
    CASE WHEN p.from_ns IS NULL OR v.result IS NULL THEN NULL WHEN v.growing AND p.batch_count = 0 AND v.result <> 'PASS' THEN 1 ELSE 0 END AS value,
    CASE WHEN value IS NULL THEN r.stage || ': no batch with a poisoned item was sent' END AS why
FROM runs r
JOIN verdicts v ON v.run = r.run
LEFT JOIN passed p ON p.run = r.run
WHERE r.variant = 'retry_batch' AND NOT r.is_saturate
ORDER BY r.cell_number, r.run;
