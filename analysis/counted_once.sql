-- Optional, after views.sql: counts what several tables need once a session and keeps it, so that they read the items less.
-- Worth it from some 5 M items. Parameters: those of views.sql; block_count (see tables/verdict_blocks.sql). Read it again when one
-- has changed: until then the tables count for themselves again. After reading views.sql again too.
--
--   duckdb -init analysis/views.sql -cmd ".read analysis/counted_once.sql"

SET VARIABLE counting_for = format('{} {}', coalesce(getvariable('warmup_ns')::VARCHAR, '-'), coalesce(getvariable('block_count')::VARCHAR, '-'));

-- One row a set only where that is few: a run of single items, or one that drops most, has nearly as many sets as items.
SET VARIABLE worth_grouping = (
    SELECT coalesce((SELECT count(*) FROM batches) + sum(offered - committed) < 4000000, false) FROM runs
);
CREATE OR REPLACE TEMP TABLE counted_fates AS
FROM query(CASE WHEN getvariable('worth_grouping') THEN '
    SELECT
        run, batch_id, first_sent_at_ns, sent_at_ns, settled_at_ns, outcome, reason, phase, intended_at_ns >= warmup_of(run) AS is_measured,
        count(*) AS item_count, min(intended_at_ns) AS first_due_ns, max(intended_at_ns) AS last_due_ns,
        max(admitted_at_ns) AS last_admitted_ns, sum(intended_at_ns) AS due_sum, sum(offered_at_ns) AS offered_sum,
        sum(admitted_at_ns) AS admitted_sum, count(offered_at_ns) AS offered_count, count(admitted_at_ns) AS admitted_count
    FROM items GROUP BY ALL' ELSE 'FROM fates WHERE false' END);
SET VARIABLE fates_counted_for = CASE WHEN getvariable('worth_grouping') THEN getvariable('counting_for') END;

CREATE OR REPLACE TEMP TABLE counted_latency_histogram AS SELECT * EXCLUDE (run) FROM latency_histogram;
SET VARIABLE latency_histogram_counted_for = getvariable('counting_for');
