-- Question: by id, is everything that was offered in the store or in the newest dead letters?
-- Grain: one row a variant and repeat: of the last redrive. value: ids of neither, of all items that any run on that store offered; of the
-- run that was killed only those that it had acknowledged: what it had in memory was never accepted. NULL: the read-back does not agree.
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
offered AS (
    SELECT DISTINCT r.variant, r.repeat, i.item_id
    FROM runs r JOIN items i ON i.run = r.run
    WHERE r.stage IN ('ingest', 'redrive', 'unfixed', 'again') OR (r.stage = 'killed' AND i.outcome = 'committed')
),
lost AS (
    SELECT o.variant, o.repeat, count(*) AS offered_count, count(*) FILTER (k.item_id IS NULL) AS lost_count
    FROM offered o
    LEFT JOIN (SELECT DISTINCT variant, repeat, item_id FROM (FROM stored UNION ALL SELECT * EXCLUDE (redrive_round) FROM parked)) k
        ON k.variant = o.variant AND k.repeat = o.repeat AND k.item_id = o.item_id
    GROUP BY o.variant, o.repeat
)
SELECT l.run, l.variant, l.repeat, o.offered_count,
    CASE WHEN (r.manifest ->> '$.self_checks.readback.ok')::BOOLEAN THEN o.lost_count END AS value,
    CASE WHEN value IS NULL THEN l.variant || ': the read-back of the store does not agree' END AS why
FROM last_runs l JOIN runs r ON r.run = l.run LEFT JOIN lost o ON o.variant = l.variant AND o.repeat = l.repeat
ORDER BY l.run;
