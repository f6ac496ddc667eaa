-- Question: what did poisoned items cost, and whom, under each reaction to failures?
-- Grain: one row per stage and variant with an intended load, repeats together, in the order of the cells. Parameters: none.
-- Counts of a whole run, warm-up included, as the mean of the runs; writes_most: the largest of them.
--   poison           items that were poisoned on purpose (the view `faults`)
--   extra_writes     send attempts beyond the one that every batch takes
--   writes_most      attempts of one batch that had a single poisoned item in it, all its descendants counted
--   poison_parked    poisoned items that became dead letters
--   good_lost        other items that were dropped or became dead letters
--   good_unsettled   other items whose fate was open when the run ended
--   duplicates       commits of an item beyond its first
WITH
poison AS (SELECT run, item_id FROM faults WHERE fault = 'poison'),
-- Few against many: the poisoned are counted by themselves and taken off the whole.
totals AS (
    SELECT run, sum(item_count) FILTER (outcome IN ('dropped', 'dead_lettered')) AS lost, sum(item_count) FILTER (outcome = 'unsettled') AS unsettled,
        sum(item_count) FILTER (outcome = 'committed') AS committed
    FROM fates GROUP BY run
),
poisoned AS (
    SELECT p.run, count(*) AS poison, count(*) FILTER (i.outcome = 'dead_lettered') AS parked,
        count(*) FILTER (i.outcome IN ('dropped', 'dead_lettered')) AS lost, count(*) FILTER (i.outcome = 'unsettled') AS unsettled
    FROM poison p LEFT JOIN items i ON i.run = p.run AND i.item_id = p.item_id
    GROUP BY p.run
),
sent AS (
    SELECT run, count(*) FILTER (parent_batch_id IS NOT NULL) AS extra_writes, sum(item_count) FILTER (outcome = 'committed') AS committed
    FROM batches GROUP BY run
),
lone AS (SELECT run, max(write_count) AS writes_most FROM poisoned_batches WHERE poison_count = 1 GROUP BY run)
SELECT
    r.stage, r.variant, count(*) AS runs,
    avg(coalesce(p.poison, 0)) AS poison,
    avg(coalesce(s.extra_writes, 0)) AS extra_writes,
    max(l.writes_most) AS writes_most,
    avg(coalesce(p.parked, 0)) AS poison_parked,
    avg(coalesce(t.lost, 0) - coalesce(p.lost, 0)) AS good_lost,
    avg(coalesce(t.unsettled, 0) - coalesce(p.unsettled, 0)) AS good_unsettled,
    avg(coalesce(s.committed, 0) - coalesce(t.committed, 0)) AS duplicates
FROM runs r
LEFT JOIN totals t ON t.run = r.run
LEFT JOIN poisoned p ON p.run = r.run
LEFT JOIN sent s ON s.run = r.run
LEFT JOIN lone l ON l.run = r.run
WHERE NOT r.is_saturate
GROUP BY r.stage, r.variant
ORDER BY min(r.cell_number) NULLS LAST, r.stage, r.variant;
