-- Question: was anything committed twice to one store?
-- Grain: one row a variant and repeat, named by its last redrive. value: ids with more than one committed row in all runs on that store,
-- and ids that a run committed although the store held them when it was opened.
WITH
committed AS (SELECT r.run, r.variant, r.repeat, i.item_id FROM runs r JOIN items i ON i.run = r.run WHERE i.outcome = 'committed'),
twice AS (
    SELECT variant, repeat, item_id FROM committed GROUP BY ALL HAVING count(*) > 1
    UNION
    SELECT c.variant, c.repeat, c.item_id FROM committed c JOIN held_before h ON h.run = c.run AND h.item_id = c.item_id
)
SELECT max(r.run) AS run, r.variant, r.repeat,
    (SELECT count(*) FROM twice t WHERE t.variant = r.variant AND t.repeat = r.repeat) AS value
FROM runs r
WHERE r.stage IN ('redrive', 'again')
GROUP BY r.variant, r.repeat
ORDER BY run;
