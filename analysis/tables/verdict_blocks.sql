-- Question: how many items exceeded the SLO's bound, stretch by stretch of the run?
-- Grain: one row per run, time block and latency bucket (see latency_bucket), kept items due after the warm-up only.
-- Parameters: block_count (default 50): equal blocks from the warm-up's end to the load's; what is sent later goes on in blocks of the
-- same length, at most 4 * block_count in all (the last takes the rest). runs.warmup_ns cuts the warm-up.
-- An item belongs to the block in which its batch was sent, so a block holds whole batches; one that was never sent, to that of its
-- intended arrival.
-- over_count: items whose response exceeds slo.bound_ms; an unsettled item is over once it is older than the bound.
-- over_without_lateness_count: the same with the generator's lateness taken off.
WITH
spans AS (
    SELECT r.run, r.warmup_ns AS from_ns,
        greatest((coalesce(r.load_ended_at_ns, max(i.intended_at_ns)) - r.warmup_ns) / coalesce(getvariable('block_count'), 50), 1) AS block_ns
    FROM items i JOIN runs r ON r.run = i.run
    GROUP BY r.run, r.warmup_ns, r.load_ended_at_ns
)
SELECT
    p.run,
    least(greatest(floor((coalesce(p.sent_at_ns, p.intended_at_ns) - s.from_ns) / s.block_ns), 0),
        4 * coalesce(getvariable('block_count'), 50) - 1)::INTEGER AS block,
    latency_bucket(p.response_ns) AS bucket,
    count(*) AS item_count,
    count(*) FILTER (p.is_censored) AS unsettled_count,
    count(*) FILTER (p.response_ns > p.bound_ns) AS over_count,
    count(*) FILTER (p.response_ns - p.lateness_ns > p.bound_ns) AS over_without_lateness_count
FROM responses p JOIN spans s ON s.run = p.run
WHERE p.response_ns IS NOT NULL
GROUP BY ALL
ORDER BY p.run, block, bucket;
