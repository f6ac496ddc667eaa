-- Question: did the kernel kill each run that may be killed (experiment.may_be_oom_killed), at the run's own memory limit?
-- Grain: one row a run of such a variant. value: 1 killed there, 0 it completed, NULL neither (nothing was proven).
SELECT run, stage, variant, repeat, status, memory_limit_bytes AS limit_bytes, memory_enforced_by AS enforced_by,
    CASE WHEN status = 'oom_killed' AND memory_limit_bytes IS NOT NULL AND oom_kill_count > 0 THEN 1
         WHEN status = 'completed' THEN 0 END AS value,
    CASE WHEN status NOT IN ('completed', 'oom_killed') THEN variant || ': ' || coalesce(status_reason, status)
         WHEN status = 'oom_killed' AND coalesce(oom_kill_count, 0) = 0 THEN variant || ': no counter says that it was for memory' END AS why
FROM runs
WHERE (manifest ->> '$.cell.may_be_oom_killed')::BOOLEAN
ORDER BY cell_number, run;
