-- Question: is each item that the fix cured in the store, once?
-- Grain: one row a variant and repeat where the schema was fixed. value: ids poisoned as `too_new` at the ingest that are not in the store
-- exactly once.
WITH
last_runs AS (
    SELECT r.run, r.variant, r.repeat, i.run AS ingest_run
    FROM runs r JOIN runs i ON i.stage = 'ingest' AND i.variant = r.variant AND i.repeat = r.repeat
    WHERE (r.variant = 'not_fixed' AND r.stage = 'again') OR (r.variant <> 'not_fixed' AND r.stage = 'redrive')
),
-- What the store holds in the end: what it held before the last run, and what that committed (its read-back has to agree).
stored AS (
    SELECT l.variant, l.repeat, s.item_id
    FROM last_runs l
    JOIN (SELECT run, item_id FROM held_before UNION ALL SELECT run, item_id FROM items WHERE outcome = 'committed') s ON s.run = l.run
),
parked AS (SELECT l.variant, l.repeat, d.item_id, d.redrive_round FROM last_runs l JOIN dead_letters d ON d.run = l.run),
curable AS (SELECT l.run, l.variant, l.repeat, f.item_id FROM last_runs l JOIN faults f ON f.run = l.ingest_run WHERE f.kind = 'too_new')
SELECT c.run, c.variant, c.repeat, count(*) AS curable_count, count(*) FILTER (coalesce(s.n, 0) <> 1) AS value
FROM curable c
LEFT JOIN (SELECT variant, repeat, item_id, count(*) AS n FROM stored GROUP BY ALL) s
    ON s.variant = c.variant AND s.repeat = c.repeat AND s.item_id = c.item_id
WHERE c.variant <> 'not_fixed'
GROUP BY c.run, c.variant, c.repeat
ORDER BY c.run;
