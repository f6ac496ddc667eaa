-- Question: does the lag stay flat with split_and_retry?
-- Grain: one row a stage where `control` runs beside `split_and_retry`, repeats together: one short run by itself tells no slope.
-- value: slope of the lag ÷ the items due a second; low, high: its 95 % interval, by the method of the view lag_slopes. NULL where that is above 1 % and the host was disturbed beside
-- one of the runs, or the variant `control`, without any poison, does not stay below 1 % either: then it is not the poison's doing.
WITH
judged AS (
    SELECT r.stage, r.variant, bool_or(r.is_disturbed OR v.result IS NOT DISTINCT FROM 'INVALID') AS is_disturbed
    FROM runs r JOIN verdicts v ON v.run = r.run
    WHERE r.variant = 'split_and_retry' GROUP BY ALL
),
control AS (SELECT stage, slope_ratio FROM lag_slopes WHERE variant = 'control')
SELECT s.stage, s.runs, s.blocks, s.offered_per_s, s.slope_per_s, c.slope_ratio AS control_ratio,
    CASE WHEN s.high_ratio <= 0.01 THEN 'flat' WHEN j.is_disturbed THEN 'the host was disturbed'
         WHEN c.slope_ratio > 0.01 THEN 'the control grows too' ELSE 'grows' END AS reads_as,
    CASE WHEN reads_as IN ('flat', 'grows') THEN s.slope_ratio END AS value,
    CASE WHEN value IS NOT NULL THEN s.low_ratio END AS low, CASE WHEN value IS NOT NULL THEN s.high_ratio END AS high,
    CASE WHEN value IS NULL THEN s.stage || ': ' || reads_as END AS why
FROM lag_slopes s
JOIN control c ON c.stage = s.stage
LEFT JOIN judged j ON j.stage = s.stage AND j.variant = s.variant
WHERE s.variant = 'split_and_retry'
ORDER BY s.cell_number, s.stage;
