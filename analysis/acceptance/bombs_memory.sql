-- Question: does memory stay bounded beside bombs?
-- Grain: one row a capped run. value: peak of the resident set ÷ what is allowed, which is fixed here: the resident set before the load + the
-- cap on an inflated body + 96 MB for the trace's buffers, the payload pool and the libraries' first use. NULL without a baseline or a cap.
SELECT r.run, r.variant, r.repeat,
    max(s.rss_bytes) / 1e6 AS peak_rss_mb,
    (r.manifest ->> '$.memory.baseline_bytes')::BIGINT / 1e6 AS baseline_mb,
    (r.manifest ->> '$.config.decode.max_inflated_bytes')::BIGINT / 1e6 AS cap_mb,
    peak_rss_mb / (baseline_mb + cap_mb + 96) AS value
FROM runs r JOIN samples s ON s.run = r.run
WHERE r.variant LIKE 'capped%'
GROUP BY r.run, r.variant, r.repeat, r.cell_number, r.manifest
ORDER BY r.cell_number;
