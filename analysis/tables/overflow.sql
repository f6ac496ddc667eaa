-- Question: what did each overflow policy do with a load that the sink could not take: what was lost, what waited, what did memory cost?
-- Grain: one row a run. Units: items, ms, bytes (MB = 10^6 bytes). Parameters: runs.warmup_ns cuts the warm-up of latencies.
-- peak_items, peak_bytes: the queue in memory at its deepest, by the samples (tables/queue_depth.sql is exact, and counts what lies on disk
-- too); spilled_peak: on disk. A killed run has what its closed parts hold.
-- rss_growth_mb: greatest resident size above the one before the load. p99_ms: of what was kept (the SLO's percentile, to 0.05 %);
-- p99_with_losses_ms: with what was dropped or dead-lettered taken as infinitely late (NULL: infinite).
-- drain_s: from the last arrival of the phase that overloads to the last commit. blocked_ms: p99 of admitted - offered, to 0.05 %.
WITH
sampled AS (
    SELECT run, max(depth_items) AS peak_items, max(depth_bytes) AS peak_bytes, max(rss_bytes) AS peak_rss_bytes, min_by(rss_bytes, at_ns) AS first_rss_bytes,
        max(spilled) AS spilled_items
    FROM samples GROUP BY run
),
fated AS (
    SELECT run, sum(item_count)::BIGINT AS seen_count,
        coalesce(sum(item_count) FILTER (outcome = 'committed'), 0)::BIGINT AS committed_count,
        coalesce(sum(item_count) FILTER (outcome = 'dropped'), 0)::BIGINT AS dropped_count,
        coalesce(sum(item_count) FILTER (outcome = 'unsettled'), 0)::BIGINT AS unsettled_count,
        coalesce(sum(item_count) FILTER (outcome IN ('dropped', 'dead_lettered') AND is_measured), 0)::BIGINT AS lost_count,
        max(settled_at_ns) FILTER (outcome = 'committed') AS last_settled_ns
    FROM fates GROUP BY run
),
overload AS (
    SELECT run, arg_min(ended_ns, began_ns) AS ended_ns
    FROM (SELECT run, phase, min(first_due_ns) AS began_ns, max(last_due_ns) AS ended_ns FROM fates GROUP BY run, phase)
    GROUP BY run
),
-- Most items of most runs are not held back at all: those are counted, not looked at.
held AS (
    SELECT run, latency_bucket(admitted_at_ns - offered_at_ns) AS bucket, count(*) AS n FROM items
    WHERE admitted_at_ns > offered_at_ns AND intended_at_ns >= warmup_of(run) GROUP BY ALL
),
admitted AS (SELECT run, sum(admitted_count)::BIGINT AS n FROM fates WHERE is_measured GROUP BY run),
blocked AS (
    SELECT a.run,
        coalesce(latency_of(max(h.bucket) FILTER (h.n_above + h.n >= a.n - nearest_rank(a.n, 990000) + 1)) / 1e6, 0) AS p99_ms
    FROM admitted a
    LEFT JOIN (SELECT *, coalesce(sum(n) OVER (PARTITION BY run ORDER BY bucket DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS n_above FROM held) h
        ON h.run = a.run
    GROUP BY a.run
),
kept AS (
    SELECT h.run, h.bucket, sum(h.item_count)::BIGINT AS n FROM latency_histogram h WHERE h.measure = 'response' GROUP BY ALL
),
cumulative AS (
    SELECT k.*, (sum(n) OVER (PARTITION BY k.run ORDER BY bucket))::BIGINT AS n_up_to, (sum(n) OVER (PARTITION BY k.run))::BIGINT AS kept_count
    FROM kept k
),
quantiles AS (
    SELECT c.run,
        min(c.bucket) FILTER (c.n_up_to >= nearest_rank(c.kept_count, r.slo_ppm)) AS kept_bucket,
        min(c.bucket) FILTER (c.n_up_to >= nearest_rank(c.kept_count + f.lost_count, r.slo_ppm)) AS all_bucket
    FROM cumulative c JOIN runs r ON r.run = c.run JOIN fated f ON f.run = c.run
    GROUP BY c.run
)
SELECT
    r.run, r.stage, r.variant, r.repeat, r.status,
    r.manifest ->> '$.config.policy.kind' AS policy,
    (r.manifest ->> '$.config.policy.capacity')::BIGINT AS capacity,
    coalesce(r.offered, f.seen_count) AS offered,
    f.committed_count AS committed,
    f.dropped_count AS dropped,
    f.unsettled_count AS unsettled,
    (f.dropped_count + f.unsettled_count) / coalesce(r.offered, f.seen_count) AS loss_ratio,
    coalesce(s.spilled_items, 0) AS spilled_peak,
    s.peak_items,
    s.peak_bytes,
    s.peak_rss_bytes / 1e6 AS peak_rss_mb,
    (s.peak_rss_bytes - coalesce((r.manifest ->> '$.memory.baseline_bytes')::BIGINT, s.first_rss_bytes)) / 1e6 AS rss_growth_mb,
    (r.manifest ->> '$.config.memory.limit_mb')::DOUBLE AS limit_mb,
    latency_of(q.kept_bucket) / 1e6 AS p99_ms,
    latency_of(q.all_bucket) / 1e6 AS p99_with_losses_ms,
    b.p99_ms AS blocked_ms,
    CASE WHEN r.offered IS NOT NULL THEN (f.last_settled_ns - o.ended_ns) / 1e9 END AS drain_s
FROM runs r
LEFT JOIN fated f ON f.run = r.run
LEFT JOIN sampled s ON s.run = r.run
LEFT JOIN overload o ON o.run = r.run
LEFT JOIN blocked b ON b.run = r.run
LEFT JOIN quantiles q ON q.run = r.run
WHERE NOT r.is_saturate
ORDER BY r.stage, r.cell_number, r.run;
