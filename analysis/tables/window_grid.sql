-- Question: how did each window of a tuning sweep do under each load?
-- Grain: one row per stage named `tune ...` and variant, repeats together, in the order of the cells. Parameters: none.
-- Units: items, ms. window_max_wait_ms is NULL without a timer. p99_ms: the largest of the repeats' recorded values of the percentile that
-- their SLO names (each has to hold by itself); where growing it says "at least". verdict: the worst recorded (FAIL, INVALID,
-- INCONCLUSIVE, PASS). Both are NULL where none was recorded. items_per_batch: committed items ÷ send attempts; commits_per_item:
-- commits, those of failed attempts included, ÷ committed items.
WITH sent AS (
    SELECT run, count(*) AS batch_count, sum(commits) AS commits, sum(item_count) FILTER (outcome = 'committed') AS committed_count
    FROM batches GROUP BY run
)
SELECT
    r.stage, r.variant,
    any_value(r.window_max_size) AS window_max_size,
    any_value(r.window_max_wait_ms) AS window_max_wait_ms,
    count(*) AS run_count,
    max(v.value_ms) AS p99_ms,
    ['FAIL', 'INVALID', 'INCONCLUSIVE', 'PASS'][min(list_position(['FAIL', 'INVALID', 'INCONCLUSIVE', 'PASS'], v.result))] AS verdict,
    bool_or(v.growing) AS growing,
    sum(s.committed_count) / sum(s.batch_count) AS items_per_batch,
    sum(s.commits) / nullif(sum(s.committed_count), 0) AS commits_per_item
FROM runs r
LEFT JOIN verdicts v ON v.run = r.run
LEFT JOIN sent s ON s.run = r.run
WHERE r.stage LIKE 'tune %'
GROUP BY r.stage, r.variant
ORDER BY min(min(r.cell_number)) OVER (PARTITION BY r.stage) NULLS LAST, r.stage, min(r.cell_number) NULLS LAST, r.variant;
