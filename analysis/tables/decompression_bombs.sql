-- Question: what became of the bombs, and what did they cost the good traffic around them?
-- Grain: one row a run that takes compressed envelopes. Units: MB = 10^6 bytes, ms. Parameters: runs.warmup_ns cuts the warm-up of latencies.
-- reasons: why envelopes were rejected, with their number. largest_inflated_mb: of a rejected one, as far as it was inflated.
-- decode_p99_ms, decode_max_ms: from the begin to the end of inflating one. p99_ms: the items' response, the percentile the SLO names.
-- rss_growth_mb: greatest resident size above the one before the load. A killed run has what its closed parts hold.
WITH
counted AS (
    SELECT run, count(*) FILTER (is_bomb) AS bombs, count(*) FILTER (is_bomb AND outcome = 'rejected') AS bombs_rejected,
        count(*) FILTER (NOT is_bomb) AS good, count(*) FILTER (NOT is_bomb AND outcome = 'rejected') AS good_rejected,
        max(inflated_bytes) FILTER (outcome = 'rejected') / 1e6 AS largest_inflated_mb,
        quantile_disc(decoded_at_ns - decode_started_at_ns, 0.99) / 1e6 AS decode_p99_ms,
        max(decoded_at_ns - decode_started_at_ns) / 1e6 AS decode_max_ms
    FROM envelopes GROUP BY run
),
reasons AS (
    SELECT run, string_agg(reason || ' ' || n, ', ' ORDER BY n DESC, reason) AS reasons
    FROM (SELECT run, reason, count(*) AS n FROM envelopes WHERE outcome = 'rejected' GROUP BY ALL) GROUP BY run
),
sampled AS (SELECT run, max(rss_bytes) AS peak_rss_bytes, min_by(rss_bytes, at_ns) AS first_rss_bytes FROM samples GROUP BY run)
SELECT r.run, r.stage, r.variant, r.repeat, r.status, r.manifest ->> '$.config.decode.codec' AS codec,
    (r.manifest ->> '$.config.decode.max_inflated_bytes')::BIGINT / 1e6 AS cap_mb,
    c.bombs, c.bombs_rejected, c.good, c.good_rejected, e.reasons, c.largest_inflated_mb, c.decode_p99_ms, c.decode_max_ms,
    v.value_ms AS p99_ms,
    s.peak_rss_bytes / 1e6 AS peak_rss_mb,
    (s.peak_rss_bytes - coalesce((r.manifest ->> '$.memory.baseline_bytes')::BIGINT, s.first_rss_bytes)) / 1e6 AS rss_growth_mb
FROM runs r
JOIN verdicts v ON v.run = r.run
LEFT JOIN counted c ON c.run = r.run
LEFT JOIN reasons e ON e.run = r.run
LEFT JOIN sampled s ON s.run = r.run
WHERE coalesce(r.manifest ->> '$.config.decode.codec', 'none') <> 'none'
ORDER BY r.cell_number, r.run;
