-- Question: without caps, did the kernel kill it, under the limit that the capped ones lived with?
-- Grain: one row an uncapped run. value: 1 killed by the kernel for memory (its own counter says so), 0 it lived; NULL where a memory error
-- ended it (a resource limit, not the kernel: nothing is proven).
SELECT r.run, r.variant, r.repeat, r.status, r.manifest ->> '$.memory.enforced_by' AS enforced_by,
    (r.manifest ->> '$.memory.oom_kill_count')::BIGINT AS oom_kill_count,
    CASE r.status WHEN 'oom_killed' THEN 1 WHEN 'completed' THEN 0 END AS value,
    CASE WHEN r.status NOT IN ('oom_killed', 'completed') THEN r.variant || ': the run is ' || r.status || ': ' || coalesce(r.status_reason, 'no reason') END AS why
FROM runs r
WHERE r.variant LIKE 'uncapped%'
ORDER BY r.cell_number;
