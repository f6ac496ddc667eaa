-- Question: did two runs see the same arrivals, item by item?
-- Grain: one row, none if neither run has an item. Parameters: run_a, run_b (each a `run` of the view `runs`).
-- item_count: ids that either run has; same_count: those that both have with the same intended instant.
SELECT count(*) AS item_count, count(*) FILTER (a.intended_at_ns = b.intended_at_ns) AS same_count
FROM (SELECT item_id, intended_at_ns FROM items WHERE run = getvariable('run_a')) a
FULL JOIN (SELECT item_id, intended_at_ns FROM items WHERE run = getvariable('run_b')) b ON a.item_id = b.item_id
HAVING count(*) > 0;
