-- Question: does memory follow what waits? Resident bytes against queued payload bytes, over the samples of the unbounded queue.
-- Grain: one row a run of the variant `unbounded`. value: R² of the line rss = a + b * queued; bytes_per_byte: b, resident per queued byte.
-- NULL with fewer than 10 samples, or where the queue never held a megabyte.
SELECT r.run, r.repeat, count(*) AS sample_count, max(s.depth_bytes) / 1e6 AS peak_queued_mb,
    regr_slope(s.rss_bytes, s.depth_bytes) AS bytes_per_byte,
    CASE WHEN count(*) >= 10 AND max(s.depth_bytes) >= 1000000 THEN regr_r2(s.rss_bytes, s.depth_bytes) END AS value,
    CASE WHEN count(*) < 10 THEN 'fewer than 10 samples' WHEN max(s.depth_bytes) < 1000000 THEN 'the queue never held a megabyte' END AS why
FROM runs r JOIN samples s ON s.run = r.run
WHERE r.variant LIKE 'unbounded%' AND NOT r.is_saturate AND s.rss_bytes IS NOT NULL
GROUP BY r.run, r.repeat
ORDER BY r.repeat;
