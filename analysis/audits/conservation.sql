-- Claim: every offered item is accounted for once: the load's ids are dense (from 0, in a redrive from base_id on), those of a redrive's
-- dead letters are the ones that it planned to offer or to park again, none is there twice, the number of ids and of each outcome
-- is what the manifest counted, and an item has a settling instant exactly when it is not `unsettled`.
-- Returns offending rows; none means that it holds. Grain: one row per run, problem and stretch of 64 ids (first_item_id) or outcome.
-- expected and found are numbers of items. A run that was killed lacks the items it had open: for it this audit lists what is lost.
WITH
words AS MATERIALIZED (
    -- One bit an id, 64 ids a group: exact, and 1.6 M groups for 100 M items.
    SELECT run, item_id // 64 AS word, count(*) AS n, bit_count(bit_or(1::UBIGINT << (item_id % 64)::UBIGINT)) AS distinct_count
    FROM load_items GROUP BY ALL
),
ends AS (
    SELECT r.run, coalesce(r.offered - coalesce(d.n, 0), k.offered, 0) AS offered
    FROM runs r
    LEFT JOIN (SELECT run, count(*) AS n FROM redriven WHERE plan <> 'already_there' GROUP BY run) d ON d.run = r.run
    LEFT JOIN (  -- of a run that was killed nobody counted them
        SELECT i.run, max(i.item_id) + 1 AS offered FROM load_items i JOIN runs r ON r.run = i.run AND r.offered IS NULL GROUP BY i.run
    ) k ON k.run = r.run
),
missing_words AS MATERIALIZED (
    -- Groups with no row at all are found as gaps between their neighbours.
    SELECT run, (previous + 1) * 64 AS first_item_id, (word - previous - 1) * 64 AS expected
    FROM (
        SELECT run, word, coalesce(lag(word) OVER (PARTITION BY run ORDER BY word), -1) AS previous
        FROM (SELECT run, word FROM words UNION ALL SELECT run, (offered + 63) // 64 FROM ends)
    )
    WHERE word - previous > 1
),
counted AS (
    SELECT run, 'committed' AS outcome, (manifest ->> '$.counters.committed')::BIGINT AS expected FROM runs
    UNION ALL SELECT run, 'dropped', (manifest ->> '$.counters.dropped')::BIGINT FROM runs
    UNION ALL SELECT run, 'dead_lettered', (manifest ->> '$.counters.dead_lettered')::BIGINT FROM runs
    UNION ALL SELECT run, 'unsettled', (manifest ->> '$.counters.unsettled')::BIGINT FROM runs
),
found AS (SELECT run, outcome, sum(item_count)::BIGINT AS n FROM fates GROUP BY ALL)
SELECT run, 'repeated id' AS problem, NULL AS outcome, fact('base_ids', run) + word * 64 AS first_item_id, distinct_count::BIGINT AS expected, n AS found
FROM words WHERE n > distinct_count
UNION ALL
SELECT w.run, 'missing id', NULL, fact('base_ids', w.run) + w.word * 64, least(64, e.offered - w.word * 64), w.distinct_count::BIGINT
FROM words w JOIN ends e ON e.run = w.run
WHERE w.distinct_count < least(64, e.offered - w.word * 64)
UNION ALL
SELECT m.run, 'missing id', NULL, fact('base_ids', m.run) + m.first_item_id, least(m.expected, e.offered - m.first_item_id), 0
FROM missing_words m JOIN ends e ON e.run = m.run
UNION ALL
SELECT w.run, 'id beyond the offered', NULL, fact('base_ids', w.run) + w.word * 64, greatest(e.offered - w.word * 64, 0), w.distinct_count::BIGINT
FROM words w JOIN ends e ON e.run = w.run
WHERE w.distinct_count > greatest(e.offered - w.word * 64, 0)
UNION ALL
SELECT coalesce(d.run, i.run),
    CASE WHEN i.n IS NULL THEN 'missing id' WHEN d.run IS NULL THEN 'id beyond the offered' ELSE 'repeated id' END,
    NULL, coalesce(d.item_id, i.item_id), (d.run IS NOT NULL)::BIGINT, coalesce(i.n, 0)
FROM (SELECT run, item_id FROM redriven WHERE plan <> 'already_there') d
FULL JOIN (SELECT run, item_id, count(*) AS n FROM redriven_items GROUP BY ALL) i ON i.run = d.run AND i.item_id = d.item_id
WHERE d.run IS NULL OR i.n IS DISTINCT FROM 1
UNION ALL
SELECT c.run, 'outcome count differs from the manifest', c.outcome, NULL, c.expected, coalesce(f.n, 0)
FROM counted c LEFT JOIN found f ON f.run = c.run AND f.outcome = c.outcome
WHERE c.expected <> coalesce(f.n, 0)
UNION ALL
SELECT run, 'settling instant contradicts the outcome', outcome, min(item_id), 0, count(*)
FROM items WHERE (settled_at_ns IS NULL) <> (outcome = 'unsettled') GROUP BY run, outcome
ORDER BY run, problem, first_item_id;
