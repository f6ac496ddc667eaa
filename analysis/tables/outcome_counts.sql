-- Question: what became of the items, and why?
-- Grain: one row per run, outcome and reason. Parameters: none.
-- item_count counts all items of the run, warm-up included; measured_count those due after the warm-up (runs.warmup_ns).
SELECT
    run,
    outcome,
    reason,
    sum(item_count)::BIGINT AS item_count,
    coalesce(sum(item_count) FILTER (is_measured), 0)::BIGINT AS measured_count
FROM fates
GROUP BY ALL
ORDER BY run, item_count DESC, outcome, reason;
