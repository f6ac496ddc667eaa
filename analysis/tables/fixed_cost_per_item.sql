-- Question: how much fixed cost does an item carry, and how many items share a commit?
-- Grain: one row a run. Parameters: none.
-- Totals over all send attempts, failed ones included (their cost was paid), divided by the *committed* items. NULL per item when
-- nothing was committed. *_ns in ns, *_bytes in bytes; cpu is the worker's CPU time inside the sink's write. busy_ratio: the share of
-- the run's time that its workers spent in writes, an attempt without an end counted up to the run's; NULL without a known end.
WITH kept AS (
    SELECT run, sum(item_count)::BIGINT AS committed_count FROM fates WHERE outcome = 'committed' GROUP BY run
),
paid AS (
    SELECT
        run,
        count(*) AS attempt_count,
        count(*) FILTER (outcome NOT IN ('committed', 'partial')) AS failed_attempt_count,
        sum(commits) AS commits,
        sum(fsyncs) AS fsyncs,
        sum(round_trips) AS round_trips,
        sum(syscalls) AS syscalls,
        sum(wire_bytes) AS wire_bytes,
        sum(cpu_ns) AS cpu_ns,
        sum(coalesce(settled_at_ns, ended_at_ns) - sent_at_ns) AS busy_ns
    FROM batches JOIN (SELECT run, ended_at_ns FROM runs) USING (run)
    GROUP BY run
)
SELECT
    r.run,
    coalesce(k.committed_count, 0) AS committed_count,
    coalesce(p.attempt_count, 0) AS attempt_count,
    coalesce(p.failed_attempt_count, 0) AS failed_attempt_count,
    coalesce(p.commits, 0)::BIGINT AS commits,
    coalesce(p.fsyncs, 0)::BIGINT AS fsyncs,
    coalesce(p.round_trips, 0)::BIGINT AS round_trips,
    coalesce(p.syscalls, 0)::BIGINT AS syscalls,
    coalesce(p.wire_bytes, 0)::BIGINT AS wire_bytes,
    coalesce(p.cpu_ns, 0)::BIGINT AS cpu_ns,
    p.commits / k.committed_count AS commits_per_item,
    p.fsyncs / k.committed_count AS fsyncs_per_item,
    p.round_trips / k.committed_count AS round_trips_per_item,
    p.syscalls / k.committed_count AS syscalls_per_item,
    p.wire_bytes / k.committed_count AS wire_bytes_per_item,
    p.cpu_ns / k.committed_count AS cpu_ns_per_item,
    p.busy_ns / (r.ended_at_ns * coalesce((r.manifest ->> '$.config.sink.workers')::BIGINT, 1)) AS busy_ratio,
    CASE WHEN p.commits > 0 THEN k.committed_count / p.commits END AS items_per_commit
FROM runs r
LEFT JOIN kept k ON k.run = r.run
LEFT JOIN paid p ON p.run = r.run
ORDER BY r.run;
