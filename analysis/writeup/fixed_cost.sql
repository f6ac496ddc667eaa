-- Question: what does a batch cost, as a fixed part and a part per item, and how many items' own cost is the fixed part worth?
-- Grain: one row, over all runs that are read; none where no line could be fitted (tables/cost_model.sql, which it asks). Units: us, items.
-- The tables stand below the folder that the variable `analysis` names (default 'analysis'). runs: the runs it rests on.
SET VARIABLE cost_model = (SELECT any_value(content) FROM read_text(coalesce(getvariable('analysis'), 'analysis') || '/tables/cost_model.sql'));
SELECT fixed_us, per_item_us, break_even_items, (SELECT list(run ORDER BY run) FROM runs) AS runs
FROM query(getvariable('cost_model'))
WHERE fixed_us IS NOT NULL
ORDER BY batch_count DESC
LIMIT 1;
