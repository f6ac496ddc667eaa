-- Question: over what stretch of time was there work, how much of it was done while the load lasted, and how often does the sink stall?
-- Grain: one row a run with at least one item. Unit: ns. Parameters: runs.warmup_ns.
-- A stall is a settled attempt that took more than five times the median attempt; the stall cycle is the measured time divided by
-- their number (NULL: none seen). The median is approximate (t-digest), in bounded memory.
WITH
extents AS (
    SELECT run, min(first_due_ns) AS first_due_ns, max(last_due_ns) AS last_due_ns, max(settled_at_ns) AS last_settled_ns,
        max(settled_at_ns) FILTER (outcome = 'committed') AS last_committed_ns,
        coalesce(sum(item_count) FILTER (outcome = 'committed' AND settled_at_ns <= fact('load_ends', run)), 0)::BIGINT
            AS committed_during_load_count,
        sum(item_count)::BIGINT AS item_count
    FROM fates
    GROUP BY run
),
attempts AS (
    SELECT b.run, b.settled_at_ns - b.sent_at_ns AS service_ns
    FROM batches b JOIN runs r ON r.run = b.run
    WHERE b.settled_at_ns IS NOT NULL AND b.sent_at_ns >= r.warmup_ns
),
medians AS (SELECT run, approx_quantile(service_ns, 0.5) AS median_service_ns, count(*) AS attempt_count FROM attempts GROUP BY run),
stalls AS (
    SELECT a.run, count(*) AS stall_count
    FROM attempts a JOIN medians m ON m.run = a.run
    WHERE a.service_ns > 5 * m.median_service_ns
    GROUP BY a.run
)
SELECT
    e.run, e.item_count, e.first_due_ns, e.last_due_ns, e.last_settled_ns, e.last_committed_ns,
    e.committed_during_load_count,
    coalesce(m.attempt_count, 0) AS attempt_count,
    m.median_service_ns::BIGINT AS median_service_ns,
    coalesce(s.stall_count, 0) AS stall_count,
    greatest(coalesce(e.last_settled_ns, e.last_due_ns) - r.warmup_ns, 0) / s.stall_count AS stall_cycle_ns
FROM extents e
JOIN runs r ON r.run = e.run
LEFT JOIN medians m ON m.run = e.run
LEFT JOIN stalls s ON s.run = e.run
ORDER BY e.run;
