-- Question: is there a trade at all: does a larger queue lose fewer items, at the price of a later p99?
-- Grain: one row a dropping policy. value: 1 if from the smallest to the largest capacity the loss falls and the p99 of what was kept rises
-- (of several runs the worst one's), else 0; NULL with a single capacity.
WITH found AS (
    SELECT any_value(r.run) AS run, r.manifest ->> '$.config.policy.kind' AS policy, (r.manifest ->> '$.config.policy.capacity')::BIGINT AS capacity,
        sum((r.manifest ->> '$.counters.dropped')::BIGINT) / sum(r.offered) AS loss_ratio, max(v.value_ms) AS p99_ms
    FROM runs r JOIN verdicts v ON v.run = r.run
    WHERE NOT r.is_saturate AND r.status = 'completed' AND r.manifest ->> '$.config.policy.kind' IN ('drop_newest', 'drop_oldest')
    GROUP BY ALL
)
SELECT any_value(run) AS run, policy,
    min(capacity) AS smallest, max(capacity) AS largest,
    arg_min(loss_ratio, capacity) AS loss_at_smallest, arg_max(loss_ratio, capacity) AS loss_at_largest,
    arg_min(p99_ms, capacity) AS p99_at_smallest_ms, arg_max(p99_ms, capacity) AS p99_at_largest_ms,
    CASE WHEN smallest < largest THEN (loss_at_largest < loss_at_smallest AND p99_at_largest_ms > p99_at_smallest_ms)::INTEGER END AS value,
    CASE WHEN smallest = largest THEN policy || ': a single capacity' END AS why
FROM found
GROUP BY policy
ORDER BY policy;
