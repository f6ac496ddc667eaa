-- Claim: no item is settled twice.
-- Returns offending rows, 100 at most; none means that it holds. Grain: one row per run and item id. Instants in ns from the run's start.
-- Only stretches of 65,536 ids that hold more rows than ids are looked into.
WITH crowded AS (
    SELECT run, stretch FROM item_groups GROUP BY ALL HAVING sum(item_count) > bit_count(bit_or(ids))
)
SELECT i.run, i.item_id, count(*) AS settle_count, min(i.settled_at_ns) AS first_settled_ns, max(i.settled_at_ns) AS last_settled_ns,
    list(DISTINCT i.outcome ORDER BY i.outcome) AS outcomes
FROM items i
-- A list rather than a join: the planner would put the millions of items on the side that is held in memory.
WHERE list_contains((SELECT list(DISTINCT stretch) FROM crowded), i.item_id >> 16) AND i.outcome <> 'unsettled'
GROUP BY i.run, i.item_id
HAVING count(*) > 1
ORDER BY i.run, i.item_id
LIMIT 100;
