-- Question: are batches nearly full at peak load?
-- Grain: one row a run of the stage `validate peak`. value: median items of a batch ÷ max_size, after the warm-up.
SELECT r.run, r.repeat, any_value(r.window_max_size) AS max_size, median(b.item_count) AS median_item_count,
    median(b.item_count) / any_value(r.window_max_size) AS value
FROM runs r
JOIN batches b ON b.run = r.run
WHERE r.stage = 'validate peak' AND b.closed_at_ns BETWEEN r.warmup_ns AND r.load_ended_at_ns
GROUP BY r.run, r.repeat
ORDER BY r.repeat;
