-- Question: did the kernel kill the unbounded queue, under the limit that the bounded ones lived with?
-- Grain: one row a run of the policy `unbounded`. value: 1 killed by the kernel for memory (its own counter says so), 0 it lived; NULL where
-- a memory error ended it (a resource limit, not the kernel: nothing is proven).
SELECT r.run, r.repeat, r.status, r.manifest ->> '$.memory.enforced_by' AS enforced_by,
    (r.manifest ->> '$.memory.oom_kill_count')::BIGINT AS oom_kill_count,
    CASE r.status WHEN 'oom_killed' THEN 1 WHEN 'completed' THEN 0 END AS value,
    CASE WHEN r.status NOT IN ('oom_killed', 'completed') THEN 'the run is ' || r.status || ': ' || coalesce(r.status_reason, 'no reason') END AS why
FROM runs r
WHERE NOT r.is_saturate AND r.manifest ->> '$.config.policy.kind' = 'unbounded'
ORDER BY r.cell_number;
