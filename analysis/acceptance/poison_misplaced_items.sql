-- Question: are exactly the poisoned items dead-lettered, and all the others in the sink, once?
-- Grain: one row a run of the variants `split_and_retry` and `report_items`. value: items that are not where they belong: poisoned ones that
-- are no dead letters, others that are not committed, ids with a second row or none, commits of an item beyond its first, and what the
-- read-back of the sink missed, found twice or found too many (of a write in flight at the end it may hold what is unsettled). NULL where nothing was poisoned or the sink was not read back.
WITH
poison AS (SELECT run, item_id FROM faults WHERE fault = 'poison'),
traced AS (
    SELECT i.run, count(*) AS row_count, count(DISTINCT i.item_id) AS id_count, count(p.item_id) AS poison_count,
        count(*) FILTER (p.item_id IS NOT NULL AND i.outcome = 'dead_lettered') AS parked_count,
        count(*) FILTER (p.item_id IS NULL AND i.outcome = 'committed') AS committed_count
    FROM items i LEFT JOIN poison p ON p.run = i.run AND p.item_id = i.item_id
    WHERE i.run IN (SELECT run FROM runs WHERE variant IN ('split_and_retry', 'report_items') AND NOT is_saturate)
    GROUP BY i.run
),
sent AS (SELECT run, sum(item_count) FILTER (outcome = 'committed') AS committed_count FROM batches GROUP BY run),
placed AS (
    SELECT r.run, r.stage, r.variant, r.repeat, r.cell_number, t.poison_count, t.parked_count, t.committed_count,
        t.row_count - t.parked_count - t.committed_count AS elsewhere_count,
        abs(r.offered - t.id_count) + t.row_count - t.id_count AS ledger_count,
        greatest(s.committed_count - t.committed_count, 0) AS duplicate_count,
        (r.manifest ->> '$.self_checks.readback.held')::BIGINT AS held_count,
        (r.manifest ->> '$.self_checks.readback.missing')::BIGINT AS missing_count,
        (r.manifest ->> '$.self_checks.readback.foreign')::BIGINT AS foreign_count,
        (r.manifest ->> '$.self_checks.readback.unsettled_but_held')::BIGINT AS in_flight_count,
        missing_count + foreign_count + abs(held_count - (t.committed_count - missing_count + foreign_count + in_flight_count)) AS readback_count
    FROM runs r JOIN traced t ON t.run = r.run LEFT JOIN sent s ON s.run = r.run
)
SELECT * EXCLUDE (cell_number),
    CASE WHEN poison_count > 0 THEN elsewhere_count + ledger_count + duplicate_count + readback_count END AS value,
    CASE WHEN poison_count = 0 THEN variant || ': nothing was poisoned' WHEN value IS NULL THEN variant || ': the sink was not read back' END AS why
FROM placed
ORDER BY cell_number, run;
