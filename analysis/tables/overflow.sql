-- Question: what did each overflow policy do with a load that the sink could not take: what was lost, what waited, what did memory cost?
-- Grain: one row a run. Units: items, ms, bytes (MB = 10^6). Parameters: runs.warmup_ns cuts the warm-up of latencies.
-- peak_items: the queue's greatest depth, exact from the items' instants; with spilled items the greatest sampled depth in memory, since
-- what lies on disk does not wait there. peak_bytes: the same by the samples. A killed run has what its closed parts hold.
-- rss_growth_mb: greatest resident size above the one before the load. p99_ms: of what was kept (the SLO's percentile);
-- p99_with_losses_ms: with what was dropped or dead-lettered taken as infinitely late (NULL: infinite).
-- drain_s: from the last arrival of the phase that overloads to the last commit. blocked_ms: p99 of admitted - offered.
WITH
sampled AS (
    SELECT run, max(depth_items) AS sampled_items, max(depth_bytes) AS peak_bytes, max(rss_bytes) AS peak_rss_bytes, min_by(rss_bytes, at_ns) AS first_rss_bytes,
        max(spilled) AS spilled_items
    FROM samples GROUP BY run
),
steps AS (
    SELECT run, admitted_at_ns AS at_ns, 1 AS n FROM items WHERE admitted_at_ns IS NOT NULL AND NOT was_spilled
    UNION ALL
    SELECT run, coalesce(first_sent_at_ns, settled_at_ns), -1 FROM items
    WHERE admitted_at_ns IS NOT NULL AND coalesce(first_sent_at_ns, settled_at_ns) IS NOT NULL AND NOT was_spilled
),
-- What happens in one instant counts as one step.
depths AS (
    SELECT run, sum(n) OVER (PARTITION BY run ORDER BY at_ns) AS depth FROM (SELECT run, at_ns, sum(n) AS n FROM steps GROUP BY ALL)
),
peaks AS (SELECT run, max(depth)::BIGINT AS exact_items FROM depths GROUP BY run),
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
    SELECT i.run, max(i.intended_at_ns) AS ended_ns
    FROM items i JOIN (SELECT run, arg_min(phase, intended_at_ns) AS phase FROM items GROUP BY run) f ON f.run = i.run AND f.phase = i.phase
    GROUP BY i.run
),
blocked AS (
    SELECT run, quantile_disc(admitted_at_ns - offered_at_ns, 0.99) AS p99_ns FROM items
    WHERE admitted_at_ns IS NOT NULL AND intended_at_ns >= warmup_of(run) GROUP BY run
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
    CASE WHEN s.spilled_items > 0 THEN s.sampled_items ELSE greatest(p.exact_items, CASE WHEN r.offered IS NULL THEN s.sampled_items END) END AS peak_items,
    s.peak_bytes,
    s.peak_rss_bytes / 1e6 AS peak_rss_mb,
    (s.peak_rss_bytes - coalesce((r.manifest ->> '$.memory.baseline_bytes')::BIGINT, s.first_rss_bytes)) / 1e6 AS rss_growth_mb,
    (r.manifest ->> '$.config.memory.limit_mb')::DOUBLE AS limit_mb,
    latency_of(q.kept_bucket) / 1e6 AS p99_ms,
    latency_of(q.all_bucket) / 1e6 AS p99_with_losses_ms,
    b.p99_ns / 1e6 AS blocked_ms,
    CASE WHEN r.offered IS NOT NULL THEN (f.last_settled_ns - o.ended_ns) / 1e9 END AS drain_s
FROM runs r
LEFT JOIN fated f ON f.run = r.run
LEFT JOIN sampled s ON s.run = r.run
LEFT JOIN peaks p ON p.run = r.run
LEFT JOIN overload o ON o.run = r.run
LEFT JOIN blocked b ON b.run = r.run
LEFT JOIN quantiles q ON q.run = r.run
WHERE NOT r.is_saturate
ORDER BY r.stage, r.cell_number, r.run;
