-- Question: how many times more does batching commit when the sink is saturated?
-- Grain: one row, none without a pair. capacity_ratio: geometric mean over the pairs of acceptance/capacity_ratio.sql, which it asks (below
-- the folder that the variable `analysis` names, default 'analysis'). least_, most_: of a single pair. runs: what it rests on.
SET VARIABLE capacity_pairs = (
    SELECT any_value(content) FROM read_text(coalesce(getvariable('analysis'), 'analysis') || '/acceptance/capacity_ratio.sql'));
SELECT exp(avg(ln(value))) AS capacity_ratio, count(*) AS pair_count, min(value) AS least_ratio, max(value) AS most_ratio,
    list_concat(list(run ORDER BY run), list(other_run ORDER BY run)) AS runs
FROM query(getvariable('capacity_pairs'))
WHERE value > 0
HAVING count(*) > 0;
