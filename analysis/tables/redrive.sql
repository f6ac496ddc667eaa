-- Question: what became of the dead letters that a redrive found, and how long had they been away?
-- Grain: one row a redrive. left_in_spill_count: items that a killed run had taken in and left in its spill; torn_bytes: what it was writing
--   there when it died, which was not taken in.
--   dead_letter_count + left_in_spill_count = cured + dead_again + already_there + rounds_exhausted + dropped + unsettled.
--   time_in_dlq_*: from when it was parked last to when it was offered again. response_*: settled - intended of the cured ones: their
--   latency counts from their first arrival, the time in the DLQ included. Both are kept apart from the load's percentiles.
SELECT
    r.run, r.stage, r.variant, r.repeat,
    r.manifest ->> '$.redrive.origin_run' AS redriven_from,
    count(*) FILTER (NOT d.was_spilled) AS dead_letter_count,
    count(*) FILTER (d.was_spilled) AS left_in_spill_count,
    (r.manifest ->> '$.redrive.torn_bytes')::BIGINT AS torn_bytes,
    count(*) FILTER (d.plan = 'offered') AS offered_count,
    count(*) FILTER (i.outcome = 'committed') AS cured_count,
    count(*) FILTER (d.plan = 'offered' AND i.outcome = 'dead_lettered') AS dead_again_count,
    count(*) FILTER (d.plan = 'already_there') AS already_there_count,
    count(*) FILTER (d.plan = 'rounds_exhausted') AS rounds_exhausted_count,
    count(*) FILTER (d.plan = 'offered' AND i.outcome = 'dropped') AS dropped_count,
    count(*) FILTER (d.plan = 'offered' AND coalesce(i.outcome, 'unsettled') = 'unsettled') AS unsettled_count,
    quantile_disc(i.offered_at_ns - i.intended_at_ns - d.parked_after_ns, 0.5) / 1e9 AS time_in_dlq_p50_s,
    max(i.offered_at_ns - i.intended_at_ns - d.parked_after_ns) / 1e9 AS time_in_dlq_max_s,
    quantile_disc(i.settled_at_ns - i.intended_at_ns, 0.5) FILTER (i.outcome = 'committed') / 1e9 AS response_p50_s,
    max(i.settled_at_ns - i.intended_at_ns) FILTER (i.outcome = 'committed') / 1e9 AS response_max_s
FROM redriven d
JOIN runs r ON r.run = d.run
LEFT JOIN redriven_items i ON i.run = d.run AND i.item_id = d.item_id
GROUP BY ALL
ORDER BY r.run;
