-- Question: is each item that is still invalid back in the newest dead letters, and not in the store?
-- Grain: one row a variant and repeat. value: ids poisoned at the ingest, and not cured, that are elsewhere or not there once. Where nothing
-- was fixed all of them are still invalid.
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
invalid AS (
    SELECT l.run, l.variant, l.repeat, f.item_id
    FROM last_runs l JOIN faults f ON f.run = l.ingest_run
    WHERE f.kind = 'not_json' OR (f.kind = 'too_new' AND l.variant = 'not_fixed')
)
SELECT i.run, i.variant, i.repeat, count(*) AS invalid_count,
    count(*) FILTER (coalesce(p.n, 0) <> 1 OR s.item_id IS NOT NULL) AS value
FROM invalid i
LEFT JOIN (SELECT variant, repeat, item_id, count(*) AS n FROM parked GROUP BY ALL) p
    ON p.variant = i.variant AND p.repeat = i.repeat AND p.item_id = i.item_id
LEFT JOIN (SELECT DISTINCT variant, repeat, item_id FROM stored) s ON s.variant = i.variant AND s.repeat = i.repeat AND s.item_id = i.item_id
GROUP BY i.run, i.variant, i.repeat
ORDER BY i.run;
