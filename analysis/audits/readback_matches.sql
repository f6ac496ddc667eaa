-- Claim: what the sink holds is what the trace calls committed, by id; a write in flight at the end may be held as well.
-- Returns offending rows; none means that it holds. Grain: one row per run and problem. Numbers of items.
-- A redrive goes on with a store that held something before: what is read back then is held_before and the committed ones.
-- held, missing, foreign, unsettled_but_held: as recorded in the manifest when the sink was read back after the run. committed_count:
-- counted here, in the trace. A run whose sink was not read back (it keeps nothing, or is simulated) says nothing here.
WITH
readback AS (
    SELECT
        run,
        (manifest ->> '$.self_checks.readback.ok')::BOOLEAN AS ok,
        manifest ->> '$.self_checks.readback.error' AS error,
        (manifest ->> '$.self_checks.readback.held')::BIGINT AS held,
        (manifest ->> '$.self_checks.readback.committed')::BIGINT AS committed,
        (manifest ->> '$.self_checks.readback.missing')::BIGINT AS missing,
        (manifest ->> '$.self_checks.readback.foreign')::BIGINT AS foreign_count,
        (manifest ->> '$.self_checks.readback.unsettled_but_held')::BIGINT AS unsettled_but_held,
        coalesce((manifest ->> '$.self_checks.readback.held_before')::BIGINT, 0) AS held_before
    FROM runs
    WHERE manifest ->> '$.self_checks.readback.ok' IS NOT NULL
),
traced AS (SELECT run, sum(item_count) FILTER (outcome = 'committed') AS committed_count FROM fates GROUP BY run),
compared AS (
    SELECT b.*, coalesce(t.committed_count, 0)::BIGINT AS committed_count, coalesce(h.n, 0) AS held_before_count
    FROM readback b
    LEFT JOIN traced t ON t.run = b.run
    LEFT JOIN (SELECT run, count(DISTINCT item_id) AS n FROM held_before GROUP BY run) h ON h.run = b.run
)
SELECT
    run,
    unnest(list_filter([
        CASE WHEN error IS NOT NULL THEN 'the sink can''t be read back: ' || error END,
        CASE WHEN missing > 0 THEN 'the sink lacks committed items' END,
        CASE WHEN foreign_count > 0 THEN 'the sink holds what was not committed' END,
        CASE WHEN committed <> committed_count THEN 'the trace has another number of committed items than was read back against' END,
        CASE WHEN held <> held_before + committed - missing + unsettled_but_held + foreign_count THEN 'the read-back''s own numbers don''t add up' END,
        CASE WHEN held_before <> held_before_count THEN 'the list of what was held before has another length' END,
        CASE WHEN NOT ok AND error IS NULL AND NOT (missing > 0 OR foreign_count > 0) THEN 'the read-back failed' END
    ], lambda p: p IS NOT NULL)) AS problem,
    held, committed_count, missing, foreign_count, unsettled_but_held
FROM compared
ORDER BY run, problem;
