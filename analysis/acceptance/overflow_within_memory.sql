-- Question: do the bounded policies keep within their capacity, by resident memory?
-- Grain: one row a run of a bounded policy. value: growth of the resident set above the one before the load ÷ what is allowed for it, which
-- is fixed here: twice the payload bytes of a full queue (a block that is dropped in part holds at most twice what is kept of it), and 128 MB
-- for the trace's buffers, the payload pool, the batch at the sink, what the allocator keeps for the next block, and the libraries' first
-- use. NULL where no baseline was recorded (no memory limit).
SELECT r.run, r.variant, r.repeat,
    max(s.rss_bytes) / 1e6 AS peak_rss_mb,
    (r.manifest ->> '$.memory.baseline_bytes')::BIGINT / 1e6 AS baseline_mb,
    (r.manifest ->> '$.config.policy.capacity')::BIGINT * (r.manifest ->> '$.config.payload.size_bytes')::BIGINT / 1e6 AS capacity_mb,
    peak_rss_mb - baseline_mb AS growth_mb,
    growth_mb / (2 * capacity_mb + 128) AS value
FROM runs r JOIN samples s ON s.run = r.run
WHERE NOT r.is_saturate AND (r.manifest ->> '$.config.policy.capacity') IS NOT NULL
GROUP BY r.run, r.variant, r.repeat, r.cell_number, r.manifest
ORDER BY r.cell_number;
