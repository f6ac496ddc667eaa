-- Question: what does each overflow policy trade: how many items are lost against how late the others are?
-- Grain: one row per policy and capacity, over the runs that came to their end and are no pilots. Units: ratio, ms.
-- loss_ratio: what was dropped or never settled ÷ offered. p99_ms: of what was kept (the SLO's percentile, to 0.05 %), runs pooled;
-- p99_with_losses_ms: with what was lost taken as infinitely late (NULL: infinite). on_frontier: no other row loses as little and is as
-- early, one of the two by more than a hair (1 %).
WITH
counted AS (
    SELECT r.run, r.manifest ->> '$.config.policy.kind' AS policy, (r.manifest ->> '$.config.policy.capacity')::BIGINT AS capacity, r.slo_ppm
    FROM runs r WHERE NOT r.is_saturate AND r.status IN ('completed', 'interrupted')
),
losses AS (
    SELECT c.policy, c.capacity, count(DISTINCT c.run) AS run_count, sum(f.item_count)::BIGINT AS offered,
        coalesce(sum(f.item_count) FILTER (f.outcome IN ('dropped', 'unsettled')), 0)::BIGINT AS lost,
        coalesce(sum(f.item_count) FILTER (f.outcome IN ('dropped', 'dead_lettered') AND f.is_measured), 0)::BIGINT AS measured_lost,
        any_value(c.slo_ppm) AS slo_ppm
    FROM counted c JOIN fates f ON f.run = c.run GROUP BY ALL
),
kept AS (
    SELECT c.policy, c.capacity, h.bucket, sum(h.item_count)::BIGINT AS n
    FROM counted c JOIN latency_histogram h ON h.run = c.run WHERE h.measure = 'response' GROUP BY ALL
),
cumulative AS (
    SELECT *, (sum(n) OVER (PARTITION BY policy, capacity ORDER BY bucket))::BIGINT AS n_up_to, (sum(n) OVER (PARTITION BY policy, capacity))::BIGINT AS kept_count
    FROM kept
),
found AS (
    SELECT l.policy, l.capacity, l.run_count, l.offered, l.lost / l.offered AS loss_ratio,
        latency_of(min(c.bucket) FILTER (c.n_up_to >= nearest_rank(c.kept_count, l.slo_ppm))) / 1e6 AS p99_ms,
        latency_of(min(c.bucket) FILTER (c.n_up_to >= nearest_rank(c.kept_count + l.measured_lost, l.slo_ppm))) / 1e6 AS p99_with_losses_ms
    FROM losses l LEFT JOIN cumulative c ON c.policy = l.policy AND c.capacity IS NOT DISTINCT FROM l.capacity
    GROUP BY ALL
)
SELECT a.*, NOT EXISTS (
    SELECT 1 FROM found b
    WHERE b.loss_ratio <= a.loss_ratio AND b.p99_ms <= a.p99_ms AND (b.loss_ratio < a.loss_ratio * 0.99 OR b.p99_ms < a.p99_ms * 0.99)
) AS on_frontier
FROM found a
ORDER BY policy, capacity;
