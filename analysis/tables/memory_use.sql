-- Question: how much memory did a run take, how much of it is what was queued, and did it end at its limit?
-- Grain: one row a live run. Units: bytes. Parameters: none.
-- baseline: resident before the load. peak_rss: resident at most; of a killed run by its samples, the last some up to a second before.
-- growth: peak - baseline. peak_depth: the most bytes of payload that waited, by the samples. rss_per_queued_byte: the slope of resident
-- memory over queued bytes, NULL where less than 16 MB waited. limit and oom_kill_count are NULL where no limit was set, or nobody counts.
WITH sampled AS (
    SELECT run, max(rss_bytes) AS rss_bytes, max(depth_bytes) AS depth_bytes, max(depth_bytes) - min(depth_bytes) AS depth_range,
        regr_slope(rss_bytes, depth_bytes) AS slope
    FROM samples GROUP BY run
)
SELECT
    r.run, r.stage, r.variant, r.repeat, r.status,
    r.memory_limit_bytes AS limit_bytes,
    r.memory_enforced_by AS enforced_by,
    r.memory_baseline_bytes AS baseline_bytes,
    greatest(r.peak_rss_bytes, s.rss_bytes) AS peak_rss_bytes,
    greatest(r.peak_rss_bytes, s.rss_bytes) - r.memory_baseline_bytes AS growth_bytes,
    s.depth_bytes AS peak_depth_bytes,
    CASE WHEN s.depth_range >= 16777216 THEN s.slope END AS rss_per_queued_byte,
    r.oom_kill_count
FROM runs r LEFT JOIN sampled s ON s.run = r.run
WHERE r.clock = 'live'
ORDER BY r.cell_number, r.run;
