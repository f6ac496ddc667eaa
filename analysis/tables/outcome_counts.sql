-- Question: what became of the items, and why?
-- Grain: one row per run, outcome and reason. Parameters: none.
-- item_count counts all items of the run, warm-up included; measured_count those due after the warm-up (runs.warmup_ns).
SELECT
    i.run,
    i.outcome,
    i.reason,
    count(*) AS item_count,
    count(*) FILTER (i.intended_at_ns >= r.warmup_ns) AS measured_count
FROM items i
JOIN runs r ON r.run = i.run
GROUP BY ALL
ORDER BY i.run, item_count DESC, i.outcome, i.reason;
