-- Question: how far do batches outgrow the chosen window where only a timer closes them?
-- Grain: one row a run of the stage `contrast peak`. value: its largest batch ÷ the chosen max_size (of the stages `validate …`).
WITH chosen AS (SELECT any_value(window_max_size) AS max_size FROM runs WHERE stage LIKE 'validate %')
SELECT r.run, r.repeat, max(b.item_count) AS largest_item_count, any_value(c.max_size) AS chosen_max_size,
    max(b.item_count) / any_value(c.max_size) AS value
FROM runs r
JOIN batches b ON b.run = r.run
CROSS JOIN chosen c
WHERE r.stage = 'contrast peak'
GROUP BY r.run, r.repeat
ORDER BY r.repeat;
