-- Question: how many times fewer commits does an item take?
-- Grain: one row a repeat of the stage `same load` with both variants (the same seed: a pair).
-- value: commits per committed item, `per_item` ÷ `batched`.
WITH commits AS (
    SELECT any_value(r.run) AS run, r.repeat, r.variant, sum(b.commits) / sum(b.item_count) FILTER (b.outcome = 'committed') AS commits_per_item
    FROM runs r
    JOIN batches b ON b.run = r.run
    WHERE r.stage = 'same load'
    GROUP BY r.repeat, r.variant
)
SELECT p.run, b.run AS other_run, p.repeat, p.commits_per_item AS per_item, b.commits_per_item AS batched, p.commits_per_item / b.commits_per_item AS value
FROM commits p
JOIN commits b ON b.repeat = p.repeat AND b.variant = 'batched'
WHERE p.variant = 'per_item'
ORDER BY p.repeat;
