-- Views over the evidence of any set of run folders: runs, items, batches, samples, dead_letters, responses.
--
-- Parameters (session variables):
--   runs       which run folders: a path or glob, several separated by commas; default 'runs/latest'. Set it before this file
--              is read, and read the file again after a change.
--   warmup_ns  items due before this instant are left out of latencies; default: the run's own slo.warmup_s
--
--   duckdb -init analysis/views.sql
--   duckdb -cmd "SET VARIABLE runs='runs/2026-11-22/*'" -cmd ".read analysis/views.sql"
--
-- Every view has `run`, the run folder as it was named. Instants (_at_ns) are ns from the run's start, NULL where the stage
-- was not reached. Hidden files (parts in progress) are left out; a column that an old run lacks reads as NULL.
-- `query()` with typed NULLs keeps the views valid when no file matches; filters and projections are still pushed down.

SET VARIABLE runs = coalesce(getvariable('runs'), 'runs/latest');

SET VARIABLE run_dirs = list_transform(string_split(getvariable('runs'), ','), lambda d: rtrim(trim(d), '/'));

SET VARIABLE manifest_files = (
    SELECT list(file ORDER BY file) FROM glob(list_transform(getvariable('run_dirs'), lambda d: d || '/manifest.json')));
SET VARIABLE item_files = (
    SELECT list(file ORDER BY file) FROM glob(list_transform(getvariable('run_dirs'), lambda d: d || '/items/*.parquet'))
    WHERE NOT regexp_matches(file, '/\.[^/]*$'));
SET VARIABLE batch_files = (
    SELECT list(file ORDER BY file) FROM glob(list_transform(getvariable('run_dirs'), lambda d: d || '/batches/*.parquet'))
    WHERE NOT regexp_matches(file, '/\.[^/]*$'));
SET VARIABLE sample_files = (
    SELECT list(file ORDER BY file) FROM glob(list_transform(getvariable('run_dirs'), lambda d: d || '/samples/*.parquet'))
    WHERE NOT regexp_matches(file, '/\.[^/]*$'));
SET VARIABLE dead_letter_files = (
    SELECT list(file ORDER BY file) FROM glob(list_transform(getvariable('run_dirs'), lambda d: d || '/dead_letters/*.parquet'))
    WHERE NOT regexp_matches(file, '/\.[^/]*$'));

-- The rest of a view's text: the files, if there are any.
CREATE OR REPLACE TEMP MACRO parquet_of(file_variable, files) AS
    CASE WHEN len(files) > 0
         THEN format(' UNION ALL BY NAME FROM read_parquet(getvariable(''{}''), union_by_name = true, filename = true)', file_variable)
         ELSE '' END;

-- A log-scaled bucket of a non-negative latency, 1420 to each power of two (0.05 % wide), monotone in the latency. An exact quantile
-- takes two passes in bounded memory: count by bucket, then look inside the one bucket that holds the rank.
CREATE OR REPLACE TEMP MACRO latency_bucket(latency_ns) AS CAST(floor(log2(latency_ns + 1) * 1420) AS INTEGER);

-- Not greatest(x, 0), which takes NULL for 0.
CREATE OR REPLACE TEMP MACRO not_negative(x) AS CASE WHEN x < 0 THEN 0 ELSE x END;

-- The nearest rank (1-based) of a quantile given in parts per million among `item_count` items.
CREATE OR REPLACE TEMP MACRO nearest_rank(item_count, ppm) AS greatest((item_count * ppm + 999999) // 1000000, 1);

-- grain: one row a run.
CREATE OR REPLACE TEMP VIEW runs AS
WITH manifests AS (
    FROM query('SELECT NULL::VARCHAR AS filename, NULL::VARCHAR AS content WHERE false'
        || CASE WHEN len(getvariable('manifest_files')) > 0
                THEN ' UNION ALL BY NAME SELECT filename, content FROM read_text(getvariable(''manifest_files''))' ELSE '' END)
)
SELECT
    regexp_replace(filename, '/manifest\.json$', '') AS run,
    content ->> '$.run_id' AS run_id,
    content ->> '$.status' AS status,
    content ->> '$.clock' AS clock,
    (content ->> '$.seed')::BIGINT AS seed,
    content ->> '$.config_hash' AS config_hash,
    content ->> '$.sink.name' AS sink,
    coalesce((content ->> '$.load.saturate')::BOOLEAN, content ->> '$.config.load.kind' = 'saturate', false) AS is_saturate,
    (content ->> '$.config.window.max_size')::BIGINT AS window_max_size,
    (content ->> '$.config.window.max_wait_ms')::DOUBLE AS window_max_wait_ms,
    coalesce((content ->> '$.slo.percentile')::DOUBLE, 99) AS slo_percentile,
    round(slo_percentile * 10000)::BIGINT AS slo_ppm,
    (content ->> '$.slo.bound_ms')::DOUBLE AS slo_bound_ms,
    ((content ->> '$.slo.bound_ms')::DOUBLE * 1e6)::BIGINT AS slo_bound_ns,
    coalesce(getvariable('warmup_ns'), ((content ->> '$.slo.warmup_s')::DOUBLE * 1e9)::BIGINT, 0) AS warmup_ns,
    (content ->> '$.load.duration_ns')::BIGINT AS load_duration_ns,
    (content ->> '$.load_ended_at_ns')::BIGINT AS load_ended_at_ns,
    (content ->> '$.ended_at_ns')::BIGINT AS ended_at_ns,
    (content ->> '$.counters.offered')::BIGINT AS offered,
    (content ->> '$.counters.committed')::BIGINT AS committed,
    content::JSON AS manifest
FROM manifests;

-- grain: one row per item, in settle order within a run.
CREATE OR REPLACE TEMP VIEW items AS
SELECT regexp_replace(filename, '/items/[^/]*$', '') AS run, * EXCLUDE (filename)
FROM query('SELECT NULL::VARCHAR AS filename, NULL::BIGINT AS item_id, NULL::BIGINT AS intended_at_ns, NULL::BIGINT AS offered_at_ns,
    NULL::BIGINT AS admitted_at_ns, NULL::BIGINT AS first_sent_at_ns, NULL::BIGINT AS sent_at_ns, NULL::BIGINT AS settled_at_ns,
    NULL::INTEGER AS batch_id, NULL::VARCHAR AS outcome, NULL::VARCHAR AS reason, NULL::SMALLINT AS attempt_count,
    NULL::INTEGER AS payload_bytes, NULL::VARCHAR AS phase, NULL::BOOLEAN AS was_spilled, NULL::BIGINT AS envelope_id,
    NULL::VARCHAR AS origin_run, NULL::SMALLINT AS redrive_round WHERE false'
    || parquet_of('item_files', getvariable('item_files')));

-- grain: one row per send attempt.
CREATE OR REPLACE TEMP VIEW batches AS
SELECT regexp_replace(filename, '/batches/[^/]*$', '') AS run, * EXCLUDE (filename)
FROM query('SELECT NULL::VARCHAR AS filename, NULL::INTEGER AS batch_id, NULL::INTEGER AS parent_batch_id, NULL::SMALLINT AS attempt,
    NULL::VARCHAR AS flush_cause, NULL::BIGINT AS first_item_id, NULL::BIGINT AS last_item_id, NULL::BIGINT AS opened_at_ns,
    NULL::BIGINT AS closed_at_ns, NULL::BIGINT AS sent_at_ns, NULL::BIGINT AS settled_at_ns, NULL::BIGINT AS next_attempt_at_ns,
    NULL::INTEGER AS item_count, NULL::BIGINT AS payload_bytes, NULL::BIGINT AS wire_bytes, NULL::BIGINT AS compress_ns,
    NULL::BIGINT AS cpu_ns, NULL::INTEGER AS commits, NULL::INTEGER AS fsyncs, NULL::INTEGER AS round_trips,
    NULL::INTEGER AS syscalls, NULL::VARCHAR AS outcome, NULL::VARCHAR AS error, NULL::INTEGER AS window_max_size,
    NULL::BIGINT AS window_max_wait_ns, NULL::BIGINT AS depth_at_close, NULL::BIGINT AS oldest_age_ns,
    NULL::SMALLINT AS in_flight, NULL::SMALLINT AS worker WHERE false'
    || parquet_of('batch_files', getvariable('batch_files')));

-- grain: one row per sampling instant; counters are running totals.
CREATE OR REPLACE TEMP VIEW samples AS
SELECT regexp_replace(filename, '/samples/[^/]*$', '') AS run, * EXCLUDE (filename)
FROM query('SELECT NULL::VARCHAR AS filename, NULL::BIGINT AS at_ns, NULL::BIGINT AS depth_items, NULL::BIGINT AS depth_bytes,
    NULL::BIGINT AS oldest_age_ns, NULL::BIGINT AS lag_items, NULL::SMALLINT AS in_flight, NULL::BIGINT AS offered,
    NULL::BIGINT AS committed, NULL::BIGINT AS dropped, NULL::BIGINT AS dead_lettered, NULL::BIGINT AS spilled,
    NULL::BIGINT AS retrying_items, NULL::BIGINT AS rss_bytes, NULL::BIGINT AS cpu_ns, NULL::BIGINT AS steal_ns,
    NULL::BIGINT AS psi_cpu_some_us, NULL::BIGINT AS psi_io_full_us, NULL::BIGINT AS stall_max_ns,
    NULL::INTEGER AS window_max_size, NULL::BIGINT AS window_max_wait_ns, NULL::BIGINT AS writer_stall_ns WHERE false'
    || parquet_of('sample_files', getvariable('sample_files')));

-- grain: one row per parked item.
CREATE OR REPLACE TEMP VIEW dead_letters AS
SELECT regexp_replace(filename, '/dead_letters/[^/]*$', '') AS run, * EXCLUDE (filename)
FROM query('SELECT NULL::VARCHAR AS filename, NULL::BIGINT AS item_id, NULL::BIGINT AS intended_at_ns,
    NULL::BIGINT AS dead_lettered_at_ns, NULL::VARCHAR AS reason, NULL::VARCHAR AS error, NULL::SMALLINT AS attempt_count,
    NULL::INTEGER AS batch_id, NULL::BLOB AS payload WHERE false'
    || parquet_of('dead_letter_files', getvariable('dead_letter_files')));

-- grain: one row per kept item (committed or unsettled) that is due after the warm-up: what a latency is computed from.
--   response_ns  settled - intended; of an unsettled item its age at the run's end: the true value is at least that (is_censored)
--   service_ns   settled - sent of the last attempt; of an attempt still in flight its age; NULL where nothing was sent
--                In a `saturate` run nothing is intended: response_ns and lateness_ns are NULL.
--   lateness_ns  offered - intended: the generator's, not the pipeline's; 0 where the source was held back by the policy
--   bound_ns     the SLO's bound
-- Dropped and dead-lettered items are lost: they have no response, outcome_counts and verdict_blocks count them.
CREATE OR REPLACE TEMP VIEW responses AS
SELECT
    i.run, i.item_id, i.batch_id, i.intended_at_ns, i.offered_at_ns, i.admitted_at_ns, i.first_sent_at_ns, i.sent_at_ns,
    i.settled_at_ns, i.outcome, i.reason,
    i.outcome = 'unsettled' AS is_censored,
    r.ended_at_ns,
    r.is_saturate,
    CASE WHEN NOT r.is_saturate
         THEN not_negative(CASE WHEN i.outcome = 'unsettled' THEN r.ended_at_ns ELSE i.settled_at_ns END - i.intended_at_ns)
    END AS response_ns,
    CASE WHEN i.outcome = 'committed' THEN not_negative(i.settled_at_ns - i.sent_at_ns)
         WHEN i.reason = 'in_flight' THEN not_negative(r.ended_at_ns - i.sent_at_ns) END AS service_ns,
    CASE WHEN NOT r.is_saturate THEN greatest(coalesce(i.offered_at_ns, i.intended_at_ns) - i.intended_at_ns, 0) END AS lateness_ns,
    r.slo_bound_ns AS bound_ns
FROM items i
JOIN runs r ON r.run = i.run
WHERE i.outcome IN ('committed', 'unsettled') AND (i.intended_at_ns >= r.warmup_ns OR r.is_saturate);
