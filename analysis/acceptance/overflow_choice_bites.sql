-- Question: does the smallest queue drop anything at all?
-- Grain: one row a dropping policy, at its smallest capacity. value: dropped ÷ offered.
WITH dropped AS (
    SELECT any_value(r.run) AS run, r.manifest ->> '$.config.policy.kind' AS policy, (r.manifest ->> '$.config.policy.capacity')::BIGINT AS capacity,
        sum((r.manifest ->> '$.counters.dropped')::BIGINT) / sum(r.offered) AS value
    FROM runs r
    WHERE NOT r.is_saturate AND r.status = 'completed' AND r.manifest ->> '$.config.policy.kind' IN ('drop_newest', 'drop_oldest')
    GROUP BY ALL
)
SELECT * FROM dropped QUALIFY capacity = min(capacity) OVER (PARTITION BY policy) ORDER BY policy;
