-- Question: do the bounded policies keep within their capacity, by items?
-- Grain: one row a run of a bounded policy. value: greatest depth ÷ (policy.capacity + one batch: that which is being handed to the sink has
-- left the queue, and is not sent yet). Exact, from the items' instants; of a run that spilled the greatest depth in memory that was sampled,
-- since what lies on disk does not wait there.
WITH
steps AS (
    SELECT run, admitted_at_ns AS at_ns, 1 AS n FROM items WHERE admitted_at_ns IS NOT NULL AND NOT was_spilled
    UNION ALL
    SELECT run, coalesce(first_sent_at_ns, settled_at_ns), -1 FROM items
    WHERE admitted_at_ns IS NOT NULL AND coalesce(first_sent_at_ns, settled_at_ns) IS NOT NULL AND NOT was_spilled
),
depths AS (SELECT run, sum(n) OVER (PARTITION BY run ORDER BY at_ns) AS depth FROM (SELECT run, at_ns, sum(n) AS n FROM steps GROUP BY ALL)),
peaks AS (SELECT run, max(depth)::BIGINT AS exact_items FROM depths GROUP BY run),
sampled AS (SELECT run, max(depth_items) AS sampled_items, max(spilled) AS spilled_items FROM samples GROUP BY run)
SELECT r.run, r.variant, r.repeat, (r.manifest ->> '$.config.policy.capacity')::BIGINT AS capacity,
    CASE WHEN s.spilled_items > 0 THEN s.sampled_items ELSE p.exact_items END AS peak_items,
    peak_items / (capacity + coalesce((r.manifest ->> '$.config.window.max_size')::BIGINT, 0)) AS value
FROM runs r
LEFT JOIN peaks p ON p.run = r.run
LEFT JOIN sampled s ON s.run = r.run
WHERE NOT r.is_saturate AND (r.manifest ->> '$.config.policy.capacity') IS NOT NULL
ORDER BY r.cell_number;
