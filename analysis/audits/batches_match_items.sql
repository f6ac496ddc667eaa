-- Claim: the two tables tell the same story: the items that were committed with a batch are as many as it says it took to the sink
-- (all of them for a committed batch, fewer for a partial one, none for a failed or rejected one), they were settled at its settling
-- instant, and every batch named by an item exists.
-- Returns offending rows; none means that it holds. Grain: one row per run, problem and batch.
WITH
per_batch AS (
    SELECT run, batch_id, count(*) AS item_count, min(settled_at_ns) AS first_settled_ns, max(settled_at_ns) AS last_settled_ns
    FROM items WHERE outcome = 'committed' GROUP BY ALL
)
SELECT
    coalesce(b.run, p.run) AS run,
    coalesce(b.batch_id, p.batch_id) AS batch_id,
    CASE WHEN b.batch_id IS NULL THEN 'items name a batch that has no row'
         WHEN coalesce(p.item_count, 0) <> b.item_count AND b.outcome = 'committed' THEN 'committed batch and its items differ in number'
         WHEN p.item_count > 0 AND b.outcome NOT IN ('committed', 'partial') THEN 'items committed by a batch that was not'
         WHEN p.item_count >= b.item_count AND b.outcome = 'partial' THEN 'partial batch without a refused item'
         ELSE 'items and batch differ in their settling instant' END AS problem,
    b.outcome,
    b.item_count AS batch_item_count,
    coalesce(p.item_count, 0) AS committed_item_count
FROM batches b
FULL JOIN per_batch p ON p.run = b.run AND p.batch_id = b.batch_id
WHERE b.batch_id IS NULL
   OR (b.outcome = 'committed' AND coalesce(p.item_count, 0) <> b.item_count)
   OR (b.outcome = 'partial' AND coalesce(p.item_count, 0) >= b.item_count)
   OR (b.outcome NOT IN ('committed', 'partial') AND p.item_count > 0)
   OR (p.item_count > 0 AND (p.first_settled_ns <> b.settled_at_ns OR p.last_settled_ns <> b.settled_at_ns))
ORDER BY run, batch_id;
