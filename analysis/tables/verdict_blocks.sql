-- Question: how many items exceeded the SLO's bound, stretch by stretch of the run?
-- Grain: one row per run, time block, latency bucket (see latency_bucket) and what holds for all item_count items: whether they are
-- unsettled, and over the bound. Kept items due after the warm-up only. run_number: the place of the run by name.
-- Blocks: those of the view time_blocks; what is sent after the load goes on in blocks of the same length, four times as many in all at
-- most (the last takes the rest). Parameters: block_count; runs.warmup_ns cuts the warm-up.
-- An item belongs to the block in which its batch was sent, so a block holds whole batches; one that was never sent, to that of its
-- intended arrival.
-- over_count: items whose response exceeds slo.bound_ms; an unsettled item is over once it is older than the bound.
-- over_without_lateness_count: the same with the generator's lateness taken off.
SELECT run, run_number, block, bucket, item_count, unsettled_count, over_count, over_without_lateness_count
FROM latency_histogram
WHERE measure = 'response'
ORDER BY run_number, block, bucket;
