-- Question: by how much does the lag (due - settled) grow a second while the load lasts, and how surely is that known?
-- Grain: one row per stage and variant with an intended load, repeats together, in the order of the cells. Parameters: runs.warmup_ns,
-- block_count.
-- The method is that of the view lag_slopes: least squares over the means of time blocks, with a 95 % interval. Units: items/s; slope_ratio
-- and what stands behind it: ÷ offered_per_s; lag_at_end: items.
SELECT stage, variant, runs, blocks, offered_per_s, slope_per_s, slope_ratio, low_ratio, high_ratio, autocorrelation, lag_at_end
FROM lag_slopes
ORDER BY cell_number NULLS LAST, stage, variant;
