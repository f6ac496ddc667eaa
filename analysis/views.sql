-- Views over the evidence of any set of run folders: runs, items, batches, samples, dead_letters, faults, redriven, responses, verdicts.
--
-- Parameters (session variables):
--   runs             which folders: a run, a sweep (all its runs), or a glob of either, several separated by commas; default
--                    'runs/latest'. Set it before this file is read, and read the file again after a change.
--   with_superseded  true: also the attempts of a sweep that were run again (a failed or a disturbed one); default false
--   warmup_ns        items due before this instant are left out of latencies; default: the run's own slo.warmup_s
--
--   duckdb -init analysis/views.sql
--   duckdb -cmd "SET VARIABLE runs='runs/2026-11-22/*'" -cmd ".read analysis/views.sql"
--
-- Every view has `run`, the run folder as it was named. Instants (_at_ns) are ns from the run's start, NULL where the stage
-- was not reached. Hidden files (parts in progress) are left out; a column that an old run lacks reads as NULL.
-- `query()` with typed NULLs keeps the views valid when no file matches; filters and projections are still pushed down.

SET VARIABLE runs = coalesce(getvariable('runs'), 'runs/latest');

SET VARIABLE named_dirs = list_transform(string_split(getvariable('runs'), ','), lambda d: rtrim(trim(d), '/'));

-- A run folder holds a manifest, a sweep folder holds run folders.
SET VARIABLE run_dirs = list_concat(getvariable('named_dirs'), list_transform(getvariable('named_dirs'), lambda d: d || '/*'));

SET VARIABLE manifest_files = (
    SELECT list(DISTINCT file ORDER BY file) FROM glob(list_transform(getvariable('run_dirs'), lambda d: d || '/manifest.json')));

-- Read once: the manifests of a thousand runs are a thousand files. What is no JSON is no run.
CREATE OR REPLACE TEMP TABLE manifests AS
FROM (
    SELECT regexp_replace(filename, '/manifest\.json$', '') AS run, content::JSON AS content,
        coalesce((content ->> '$.cell.superseded')::BOOLEAN, false) AS is_superseded
    FROM query('SELECT NULL::VARCHAR AS filename, NULL::VARCHAR AS content WHERE false'
        || CASE WHEN len(getvariable('manifest_files')) > 0
                THEN ' UNION ALL BY NAME SELECT filename, content FROM read_text(getvariable(''manifest_files''))' ELSE '' END)
    WHERE json_valid(content)
)
WHERE NOT is_superseded OR coalesce(getvariable('with_superseded')::BOOLEAN, false);

-- The runs as patterns: what would be one in a name is put in brackets.
SET VARIABLE run_patterns = (SELECT coalesce(list(regexp_replace(run, '([\[\*\?])', '[\1]', 'g')), []) FROM manifests);

-- The closed files of one kind in the runs that are read. First ones last: they are empty, and by the first of the list the planner
-- guesses how many rows there are.
CREATE OR REPLACE TEMP MACRO files_of(pattern) AS (
    SELECT list(file ORDER BY file LIKE '%/000000.parquet', file)
    FROM glob(list_transform(getvariable('run_patterns'), lambda d: d || pattern))
    WHERE NOT regexp_matches(file, '/\.[^/]*$'));

SET VARIABLE item_files = files_of('/items/*.parquet');
SET VARIABLE batch_files = files_of('/batches/*.parquet');
SET VARIABLE sample_files = files_of('/samples/*.parquet');
SET VARIABLE dead_letter_files = files_of('/dead_letters/*.parquet');
SET VARIABLE fault_files = files_of('/faults/*.parquet');
SET VARIABLE redriven_files = files_of('/redriven/*.parquet');
SET VARIABLE held_before_files = files_of('/held_before/*.parquet');
SET VARIABLE envelope_files = files_of('/envelopes/*.parquet');
SET VARIABLE envelope_dead_letter_files = files_of('/envelope_dead_letters/*.parquet');
SET VARIABLE verdict_files = files_of('/verdict.json');

-- The rest of a view's text: the files, if there are any. What one version wrote has the same columns everywhere; of several, each file
-- is opened whenever a view is named, to see what it has.
SET VARIABLE differ = (SELECT count(DISTINCT coalesce(content ->> '$.code_version', run)) > 1 FROM manifests);
CREATE OR REPLACE TEMP MACRO parquet_of(file_variable, files) AS
    CASE WHEN len(files) > 0
         THEN format(' UNION ALL BY NAME FROM read_parquet(getvariable(''{}''), union_by_name = {}, filename = true)',
             file_variable, getvariable('differ'))
         ELSE '' END;

-- A log-scaled bucket of a non-negative latency, 1420 to each power of two (0.05 % wide), monotone in the latency. An exact quantile
-- takes two passes in bounded memory: count by bucket, then look inside the one bucket that holds the rank.
CREATE OR REPLACE TEMP MACRO latency_bucket(latency_ns) AS CAST(floor(log2(latency_ns + 1) * 1420) AS INTEGER);

-- The middle of a bucket in ns: within 0.03 % of every latency in it (from 2 µs up).
CREATE OR REPLACE TEMP MACRO latency_of(bucket) AS pow(2, (bucket + 0.5) / 1420) - 1;

-- The same latency, where a bucket holds a single one (up to 1 µs).
CREATE OR REPLACE TEMP MACRO is_single(bucket) AS bucket < 14151;

-- Not greatest(x, 0), which takes NULL for 0.
CREATE OR REPLACE TEMP MACRO not_negative(x) AS CASE WHEN x < 0 THEN 0 ELSE x END;

-- The nearest rank (1-based) of a quantile given in parts per million among `item_count` items.
CREATE OR REPLACE TEMP MACRO nearest_rank(item_count, ppm) AS greatest((item_count * ppm + 999999) // 1000000, 1);

-- Looked up in the manifests once: every table asks for some of it, and each look is through a text of some kilobytes.
CREATE OR REPLACE TEMP TABLE run_facts AS
SELECT
    run,
    content ->> '$.run_id' AS run_id,
    content ->> '$.cell.experiment' AS experiment,
    content ->> '$.cell.sweep' AS sweep_id,
    coalesce(content ->> '$.cell.stage', '') AS stage,
    coalesce(content ->> '$.cell.variant',
        CASE WHEN regexp_extract(run, '[^/]*$') IN ('latest', '') THEN content ->> '$.run_id' END, regexp_extract(run, '[^/]*$')) AS variant,
    coalesce((content ->> '$.cell.repeat')::INTEGER, 0) AS repeat,
    (content ->> '$.cell.number')::INTEGER AS cell_number,
    coalesce((content ->> '$.cell.is_disturbed')::BOOLEAN, (content ->> '$.self_checks.host.disturbed')::BOOLEAN, false) AS is_disturbed,
    is_superseded,
    content ->> '$.status' AS status,
    content ->> '$.status_reason' AS status_reason,
    content ->> '$.clock' AS clock,
    (content ->> '$.seed')::BIGINT AS seed,
    content ->> '$.config_hash' AS config_hash,
    content ->> '$.code_version' AS code_version,
    (content ->> '$.schema_version')::INTEGER AS schema_version,
    coalesce(content ->> '$.sink.name', content ->> '$.config.sink.kind') AS sink,
    coalesce((content ->> '$.config.sink.workers')::INTEGER, 1) AS sink_workers,
    coalesce(content ->> '$.clock' = 'simulated' OR (content ->> '$.sink.simulated')::BOOLEAN, false) AS is_simulated,
    coalesce((content ->> '$.load.saturate')::BOOLEAN, content ->> '$.config.load.kind' = 'saturate', false) AS is_saturate,
    (content ->> '$.config.load.rate_per_s')::DOUBLE AS load_rate_per_s,
    (content ->> '$.config.window.max_size')::BIGINT AS window_max_size,
    (content ->> '$.config.window.max_wait_ms')::DOUBLE AS window_max_wait_ms,
    coalesce((content ->> '$.slo.percentile')::DOUBLE, 99) AS slo_percentile,
    round(slo_percentile * 10000)::BIGINT AS slo_ppm,
    (content ->> '$.slo.bound_ms')::DOUBLE AS slo_bound_ms,
    ((content ->> '$.slo.bound_ms')::DOUBLE * 1e6)::BIGINT AS slo_bound_ns,
    coalesce(((content ->> '$.slo.warmup_s')::DOUBLE * 1e9)::BIGINT, 0) AS warmup_ns,
    (content ->> '$.load.duration_ns')::BIGINT AS load_duration_ns,
    (content ->> '$.load_ended_at_ns')::BIGINT AS load_ended_at_ns,
    (content ->> '$.ended_at_ns')::BIGINT AS ended_at_ns,
    (content ->> '$.counters.offered')::BIGINT AS offered,
    (content ->> '$.counters.committed')::BIGINT AS committed,
    ((content ->> '$.memory.limit_mb')::DOUBLE * 1048576)::BIGINT AS memory_limit_bytes,
    content ->> '$.memory.enforced_by' AS memory_enforced_by,
    (content ->> '$.memory.baseline_bytes')::BIGINT AS memory_baseline_bytes,
    coalesce(content ->> '$.memory.peak_rss_bytes', content ->> '$.counters.peak_rss_bytes')::BIGINT AS peak_rss_bytes,
    (content ->> '$.memory.oom_kill_count')::BIGINT AS oom_kill_count,
    coalesce((content ->> '$.base_id')::BIGINT, 0) AS base_id,
    content AS manifest
FROM manifests;

-- grain: one row a run. A single run is its own variant, under its folder's name.
CREATE OR REPLACE TEMP VIEW runs AS
SELECT * REPLACE (coalesce(getvariable('warmup_ns')::BIGINT, warmup_ns) AS warmup_ns) FROM run_facts;

-- grain: one row a run: the verdict that was recorded at its end, NULL where none was. result is NULL for a capacity run too.
CREATE OR REPLACE TEMP VIEW verdicts AS
WITH recorded AS (
    SELECT regexp_replace(filename, '/verdict\.json$', '') AS run, content::JSON AS content
    FROM query('SELECT NULL::VARCHAR AS filename, NULL::VARCHAR AS content WHERE false'
        || CASE WHEN len(getvariable('verdict_files')) > 0
                THEN ' UNION ALL BY NAME SELECT filename, content FROM read_text(getvariable(''verdict_files''))' ELSE '' END)
    WHERE json_valid(content)
)
SELECT
    m.run,
    v.content ->> '$.result' AS result,
    v.content ->> '$.reason' AS reason,
    (v.content ->> '$.percentile')::DOUBLE AS percentile,
    (v.content ->> '$.bound_ms')::DOUBLE AS bound_ms,
    (v.content ->> '$.value_ms')::DOUBLE AS value_ms,
    (v.content ->> '$.low_ms')::DOUBLE AS low_ms,
    (v.content ->> '$.high_ms')::DOUBLE AS high_ms,
    (v.content ->> '$.growing')::BOOLEAN AS growing,
    (v.content ->> '$.over_count')::BIGINT AS over_count,
    (v.content ->> '$.item_count')::BIGINT AS item_count,
    v.content ->> '$.config_hash' AS config_hash,
    (v.content ->> '$.post_hoc')::BOOLEAN AS post_hoc
FROM manifests m LEFT JOIN recorded v ON v.run = m.run;

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
    NULL::BIGINT AS psi_cpu_some_us, NULL::BIGINT AS psi_io_full_us, NULL::BIGINT AS stall_max_ns, NULL::BIGINT AS disk_stall_max_ns,
    NULL::INTEGER AS window_max_size, NULL::BIGINT AS window_max_wait_ns, NULL::BIGINT AS writer_stall_ns WHERE false'
    || parquet_of('sample_files', getvariable('sample_files')));

-- grain: one row per parked item.
--   first_arrival_at: UTC; lineage: the batches it was sent in, the last one is batch_id.
CREATE OR REPLACE TEMP VIEW dead_letters AS
SELECT regexp_replace(filename, '/dead_letters/[^/]*$', '') AS run,
    * EXCLUDE (filename) REPLACE (make_timestamp_ns(epoch_ns(first_arrival_at)) AS first_arrival_at)
FROM query('SELECT NULL::VARCHAR AS filename, NULL::BIGINT AS item_id, NULL::BIGINT AS intended_at_ns,
    NULL::BIGINT AS dead_lettered_at_ns, NULL::VARCHAR AS reason, NULL::VARCHAR AS error, NULL::SMALLINT AS attempt_count,
    NULL::INTEGER AS batch_id, NULL::BLOB AS payload, NULL::TIMESTAMPTZ AS first_arrival_at, NULL::INTEGER[] AS lineage,
    NULL::VARCHAR AS origin_run, NULL::SMALLINT AS redrive_round WHERE false'
    || parquet_of('dead_letter_files', getvariable('dead_letter_files')));

-- grain: one row per dead letter that a redrive found, and what was planned for it (offered | already_there | rounds_exhausted);
-- none in another run. parked_after_ns: from its first arrival to when it was parked last. was_spilled: no dead letter, but an item that a
-- killed run had taken in and left in its spill.
CREATE OR REPLACE TEMP VIEW redriven AS
SELECT regexp_replace(filename, '/redriven/[^/]*$', '') AS run,
    * EXCLUDE (filename) REPLACE (make_timestamp_ns(epoch_ns(first_arrival_at)) AS first_arrival_at, coalesce(was_spilled, false) AS was_spilled)
FROM query('SELECT NULL::VARCHAR AS filename, NULL::BIGINT AS item_id, NULL::VARCHAR AS plan, NULL::SMALLINT AS redrive_round,
    NULL::VARCHAR AS origin_run, NULL::TIMESTAMPTZ AS first_arrival_at, NULL::BIGINT AS parked_after_ns, NULL::BOOLEAN AS was_spilled
    WHERE false'
    || parquet_of('redriven_files', getvariable('redriven_files')));

-- grain: one row per id that the store held when a redrive opened it.
CREATE OR REPLACE TEMP VIEW held_before AS
SELECT regexp_replace(filename, '/held_before/[^/]*$', '') AS run, * EXCLUDE (filename)
FROM query('SELECT NULL::VARCHAR AS filename, NULL::BIGINT AS item_id WHERE false'
    || parquet_of('held_before_files', getvariable('held_before_files')));

-- grain: one row per poisoned item (item_id, kind), and one per fault of attempts; none in a run without faults.
--   from_ns, to_ns  of an outage or a brownout, as it was due; hit_count: attempts that it refused or slowed
CREATE OR REPLACE TEMP VIEW faults AS
SELECT regexp_replace(filename, '/faults/[^/]*$', '') AS run, * EXCLUDE (filename)
FROM query('SELECT NULL::VARCHAR AS filename, NULL::VARCHAR AS fault, NULL::BIGINT AS item_id, NULL::VARCHAR AS kind,
    NULL::BIGINT AS from_ns, NULL::BIGINT AS to_ns, NULL::DOUBLE AS factor, NULL::DOUBLE AS rate, NULL::BIGINT AS hit_count WHERE false'
    || parquet_of('fault_files', getvariable('fault_files')));

-- grain: one row per compressed envelope; none where items came one by one.
--   blocked_ns      how long the policy held it back; decode_started - offered - blocked_ns: it waited for those before it
--   item_count      NULL of a rejected one: nobody knows; inflated_bytes: how far it got
--   is_bomb, shape  put in by the run itself, on purpose (decode.bombs)
CREATE OR REPLACE TEMP VIEW envelopes AS
SELECT regexp_replace(filename, '/envelopes/[^/]*$', '') AS run, * EXCLUDE (filename)
FROM query('SELECT NULL::VARCHAR AS filename, NULL::BIGINT AS envelope_id, NULL::BIGINT AS intended_at_ns, NULL::BIGINT AS offered_at_ns,
    NULL::BIGINT AS blocked_ns, NULL::BIGINT AS decode_started_at_ns, NULL::BIGINT AS decoded_at_ns, NULL::VARCHAR AS codec,
    NULL::BIGINT AS body_bytes, NULL::BIGINT AS inflated_bytes, NULL::INTEGER AS item_count, NULL::BIGINT AS first_item_id,
    NULL::VARCHAR AS outcome, NULL::VARCHAR AS reason, NULL::VARCHAR AS detail, NULL::BOOLEAN AS is_bomb, NULL::VARCHAR AS shape WHERE false'
    || parquet_of('envelope_files', getvariable('envelope_files')));

-- grain: one row per rejected envelope: its body as it came, compressed.
CREATE OR REPLACE TEMP VIEW envelope_dead_letters AS
SELECT regexp_replace(filename, '/envelope_dead_letters/[^/]*$', '') AS run, * EXCLUDE (filename)
FROM query('SELECT NULL::VARCHAR AS filename, NULL::BIGINT AS envelope_id, NULL::BIGINT AS dead_lettered_at_ns, NULL::VARCHAR AS codec,
    NULL::VARCHAR AS reason, NULL::VARCHAR AS detail, NULL::BLOB AS body WHERE false'
    || parquet_of('envelope_dead_letter_files', getvariable('envelope_dead_letter_files')));

-- What a run's items are measured by, looked up by `run`: `fact('ends', run)`. That is evaluated once per 2,048 rows, as a file
-- has one `run`; a join would be once per row, and cost more than most tables. One map a fact: of plain numbers they are quickest.
CREATE OR REPLACE TEMP MACRO by_run(facts) AS map_from_entries(coalesce(facts, []));
SET VARIABLE manifest_warmups = (SELECT by_run(list((run, warmup_ns))) FROM runs);
SET VARIABLE bounds = (SELECT by_run(list((run, slo_bound_ns))) FROM runs);
SET VARIABLE ends = (SELECT by_run(list((run, ended_at_ns))) FROM runs);
SET VARIABLE load_ends = (SELECT by_run(list((run, load_ended_at_ns))) FROM runs);
-- 0 in a run that has intended times, else NULL: added to a latency, it is NULL too.
SET VARIABLE zeros = (SELECT by_run(list((run, CASE WHEN NOT is_saturate THEN 0::BIGINT END))) FROM runs);
SET VARIABLE base_ids = (SELECT by_run(list((run, base_id))) FROM runs);
SET VARIABLE any_redrive = (SELECT coalesce(bool_or(base_id > 0), false) FROM runs);
SET VARIABLE run_names = (SELECT coalesce(list(run ORDER BY run), []) FROM runs);
SET VARIABLE run_numbers = (SELECT by_run(list((run, run_number))) FROM (SELECT run, row_number() OVER (ORDER BY run) - 1 AS run_number FROM runs));
-- Of a single run the key is a constant, and so is what it leads to: row groups are then skipped by it.
SET VARIABLE only_run = (SELECT CASE WHEN count(*) = 1 THEN any_value(run) END::VARCHAR FROM runs);
CREATE OR REPLACE TEMP MACRO fact(facts, run) AS
    getvariable(facts)[CASE WHEN getvariable('only_run') IS NULL THEN run ELSE getvariable('only_run') END];
-- grain: one row per item of the load itself; item_id counts from 0. The same as `items`, unless one of the runs is a redrive.
CREATE OR REPLACE TEMP VIEW load_items AS
FROM query(CASE WHEN getvariable('any_redrive') THEN '
    SELECT * REPLACE (item_id - fact(''base_ids'', run) AS item_id) FROM items WHERE item_id >= fact(''base_ids'', run)'
    ELSE 'FROM items' END);

-- grain: one row per item that is not the load's: the dead letters that a redrive offered or parked again.
CREATE OR REPLACE TEMP VIEW redriven_items AS
FROM query(CASE WHEN getvariable('any_redrive') THEN 'FROM items WHERE item_id < fact(''base_ids'', run)' ELSE 'FROM items WHERE false' END);

-- From which due time on an item's latency counts.
CREATE OR REPLACE TEMP MACRO warmup_of(run) AS
    CASE WHEN getvariable('warmup_ns') IS NOT NULL THEN getvariable('warmup_ns')::BIGINT ELSE fact('manifest_warmups', run) END;
CREATE OR REPLACE TEMP MACRO measured_from(run) AS
    CASE WHEN fact('zeros', run) IS NULL THEN -9223372036854775807 ELSE warmup_of(run) END;

-- grain: one row per kept item (committed or unsettled) that is due after the warm-up: what a latency is computed from.
--   response_ns  settled - intended; of an unsettled item its age at the run's end: the true value is at least that (is_censored)
--   service_ns   settled - sent of the last attempt; of an attempt still in flight its age; NULL where nothing was sent
--                In a `saturate` run nothing is intended: response_ns and lateness_ns are NULL.
--   lateness_ns  offered - intended: the generator's, not the pipeline's; 0 where the source was held back by the policy
--   bound_ns     the SLO's bound
-- Dropped and dead-lettered items are lost: they have no response, outcome_counts and verdict_blocks count them.
-- Two parts, so that nothing is decided item by item: where none is unsettled, the second reads nothing.
CREATE OR REPLACE TEMP VIEW responses AS
SELECT
    run, item_id, batch_id, envelope_id, intended_at_ns, offered_at_ns, admitted_at_ns, first_sent_at_ns, sent_at_ns, settled_at_ns,
    outcome, reason,
    false AS is_censored,
    fact('ends', run) AS ended_at_ns,
    fact('zeros', run) IS NULL AS is_saturate,
    not_negative(settled_at_ns - intended_at_ns + fact('zeros', run)) AS response_ns,
    not_negative(settled_at_ns - sent_at_ns) AS service_ns,
    not_negative(coalesce(offered_at_ns, intended_at_ns) - intended_at_ns + fact('zeros', run)) AS lateness_ns,
    fact('bounds', run) AS bound_ns
FROM items
WHERE outcome = 'committed' AND intended_at_ns >= measured_from(run)
UNION ALL
SELECT
    run, item_id, batch_id, envelope_id, intended_at_ns, offered_at_ns, admitted_at_ns, first_sent_at_ns, sent_at_ns, settled_at_ns,
    outcome, reason,
    true,
    fact('ends', run),
    fact('zeros', run) IS NULL,
    not_negative(fact('ends', run) - intended_at_ns + fact('zeros', run)),
    CASE WHEN reason = 'in_flight' THEN not_negative(fact('ends', run) - sent_at_ns) END,
    not_negative(coalesce(offered_at_ns, intended_at_ns) - intended_at_ns + fact('zeros', run)),
    fact('bounds', run)
FROM items
WHERE outcome = 'unsettled' AND intended_at_ns >= measured_from(run);

-- What several tables count from: computed from the rows each time, or once a session after `.read analysis/counted_once.sql`; what that
-- kept is used as long as the parameters are those it was counted with.
CREATE OR REPLACE TEMP MACRO is_counted(what) AS coalesce(getvariable(what)::VARCHAR
    = format('{} {}', coalesce(getvariable('warmup_ns')::VARCHAR, '-'), coalesce(getvariable('block_count')::VARCHAR, '-')), false);
SET VARIABLE fates_counted_for = NULL;
SET VARIABLE latency_histogram_counted_for = NULL;

-- grain: one row or more per set of items with the same fate: last attempt, its instants, outcome, reason, phase and side of the warm-up's
-- end. How many rows is left open (here each item has its own, counted_once.sql leaves one a set): sum them up.
--   *_sum, *_count: over the items that have the instant; last_admitted_ns: the last of them. due: intended.
CREATE OR REPLACE TEMP VIEW fates AS
FROM query(CASE WHEN is_counted('fates_counted_for') THEN 'FROM counted_fates' ELSE '
    SELECT
        run, batch_id, first_sent_at_ns, sent_at_ns, settled_at_ns, outcome, reason, phase, intended_at_ns >= warmup_of(run) AS is_measured,
        1::BIGINT AS item_count, intended_at_ns AS first_due_ns, intended_at_ns AS last_due_ns, admitted_at_ns AS last_admitted_ns,
        intended_at_ns::HUGEINT AS due_sum, offered_at_ns::HUGEINT AS offered_sum, admitted_at_ns::HUGEINT AS admitted_sum,
        (offered_at_ns IS NOT NULL)::BIGINT AS offered_count, (admitted_at_ns IS NOT NULL)::BIGINT AS admitted_count
    FROM items' END);

-- grain: as `fates`, of the items of `responses`: service_ns of each of the item_count items.
CREATE OR REPLACE TEMP VIEW services AS
SELECT run, item_count, outcome = 'unsettled' AS is_censored,
    CASE WHEN outcome = 'committed' THEN not_negative(settled_at_ns - sent_at_ns)
         WHEN reason = 'in_flight' THEN not_negative(fact('ends', run) - sent_at_ns) END AS service_ns
FROM fates
WHERE outcome IN ('committed', 'unsettled') AND (is_measured OR fact('zeros', run) IS NULL);

-- grain: one row per run, stretch of 65,536 ids, phase, outcome and reason. ids: a bit for each id of the stretch that has a row.
CREATE OR REPLACE TEMP VIEW item_groups AS
SELECT
    run, item_id >> 16 AS stretch, phase, outcome, reason, count(*) AS item_count,
    bitstring_agg(item_id & 65535, 0, 65535) AS ids
FROM items
GROUP BY ALL;

-- grain: one row a run with settled attempts after the warm-up. A stall is one that took more than five times the median (both to
-- 0.05 %); stall_cycle_ns: the measured time ÷ the stalls, NULL where none was seen.
CREATE OR REPLACE TEMP VIEW stalls AS
WITH histogram AS (
    SELECT b.run, r.warmup_ns, latency_bucket(not_negative(b.settled_at_ns - b.sent_at_ns)) AS bucket, count(*) AS n,
        max(b.settled_at_ns - b.sent_at_ns) AS max_ns, max(b.settled_at_ns) AS last_settled_ns
    FROM batches b JOIN runs r ON r.run = b.run
    WHERE b.settled_at_ns IS NOT NULL AND b.sent_at_ns >= r.warmup_ns
    GROUP BY ALL
),
cumulative AS (
    SELECT *, sum(n) OVER (PARTITION BY run ORDER BY bucket) AS n_up_to, (sum(n) OVER (PARTITION BY run))::BIGINT AS attempt_count FROM histogram
),
medians AS (SELECT run, min(max_ns) AS median_service_ns FROM cumulative WHERE n_up_to >= nearest_rank(attempt_count, 500000) GROUP BY run)
SELECT
    c.run,
    sum(c.n)::BIGINT AS attempt_count,
    any_value(m.median_service_ns) AS median_service_ns,
    coalesce(sum(c.n) FILTER (c.bucket > latency_bucket(5 * m.median_service_ns)), 0)::BIGINT AS stall_count,
    CASE WHEN stall_count > 0 THEN greatest(max(c.last_settled_ns) - any_value(c.warmup_ns), 0) / stall_count END AS stall_cycle_ns
FROM cumulative c JOIN medians m ON m.run = c.run
GROUP BY c.run;

-- How many time blocks a run is cut into: 50, but longer than the stall cycle where that leaves 20, at most 100, no more than there were
-- send attempts.
CREATE OR REPLACE TEMP MACRO blocks_for(measured_ns, stall_cycle_ns, attempt_count) AS greatest(1, least(
    greatest(20, least(CASE WHEN stall_cycle_ns IS NULL THEN 50 ELSE measured_ns // greatest(stall_cycle_ns, 1) END, 100)),
    coalesce(attempt_count, 1)))::BIGINT;

-- grain: one row a run: equal time blocks from the warm-up's end to the load's, the unit of evidence of an interval. `block_count` sets
-- their number for all runs. Only of a run that was killed the load's end has to be looked up.
CREATE OR REPLACE TEMP VIEW time_blocks AS
SELECT
    r.run,
    r.warmup_ns AS from_ns,
    greatest(coalesce(r.load_ended_at_ns, e.last_due_ns, 0) - r.warmup_ns, 0) AS measured_ns,
    coalesce(getvariable('block_count')::BIGINT, blocks_for(measured_ns, s.stall_cycle_ns, s.attempt_count)) AS block_count,
    greatest(measured_ns / block_count, 1) AS block_ns
FROM runs r
LEFT JOIN (SELECT run, max(last_due_ns) AS last_due_ns FROM fates WHERE fact('load_ends', run) IS NULL GROUP BY run) e ON e.run = r.run
LEFT JOIN stalls s ON s.run = r.run;

-- grain: one row or more per run, measure (response | service | lateness), latency bucket, and for the response the time block, of
-- `responses`. How many rows is left open (unsettled items and those over the bound have their own): sum them up.
-- run_number: the place of the run in `runs` by name: to group by it is quicker. block: as tables/verdict_blocks.sql cuts them.
-- over_count: items over the SLO's bound; an unsettled one is over once it is older than the bound.
-- over_without_lateness_count: the same with the generator's lateness taken off.
CREATE OR REPLACE TEMP VIEW latency_histogram AS
SELECT getvariable('run_names')[run_number + 1] AS run, *
FROM query(CASE WHEN is_counted('latency_histogram_counted_for') THEN 'FROM counted_latency_histogram' ELSE '
    WITH
    -- By way of maps, as the facts.
    spans AS (
        SELECT map_from_entries(list((run, block_ns))) AS block_ns, map_from_entries(list((run, 4 * block_count - 1))) AS last_block
        FROM time_blocks
    ),
    -- The pass over all items, by one number: the run''s from bit 43 on, the block from 24, what counts as over (22, 21), whether it is
    -- unsettled (20), the bucket.
    placed AS (
        SELECT
            fact(''run_numbers'', run) * 8796093022208
                + greatest(0, least(floor((coalesce(sent_at_ns, intended_at_ns) - warmup_of(run)) / (SELECT block_ns FROM spans)[run]),
                    (SELECT last_block FROM spans)[run]))::BIGINT * 16777216
                + CASE WHEN response_ns > bound_ns THEN CASE WHEN response_ns - lateness_ns > bound_ns THEN 6291456 ELSE 2097152 END ELSE 0 END
                + is_censored::BIGINT * 1048576
                + latency_bucket(response_ns) AS place,
            count(*) AS item_count
        FROM responses GROUP BY ALL
    ),
    served AS (
        SELECT fact(''run_numbers'', run) * 8796093022208 + is_censored::BIGINT * 1048576 + latency_bucket(service_ns) AS place,
            sum(item_count)::BIGINT AS item_count
        FROM services GROUP BY ALL
    ),
    late AS (
        SELECT fact(''run_numbers'', run) AS run_number, latency_bucket(lateness_ns) AS bucket, count(*) AS item_count,
            count(*) FILTER (is_censored) AS unsettled_count
        FROM responses WHERE offered_at_ns > intended_at_ns AND lateness_ns IS NOT NULL GROUP BY ALL
    )
    SELECT (place >> 43)::INTEGER AS run_number, ''response'' AS measure, ((place >> 24) & 524287)::INTEGER AS block,
        (place & 1048575)::INTEGER AS bucket, item_count,
        CASE WHEN place & 1048576 > 0 THEN item_count ELSE 0 END AS unsettled_count,
        CASE WHEN place & 2097152 > 0 THEN item_count ELSE 0 END AS over_count,
        CASE WHEN place & 4194304 > 0 THEN item_count ELSE 0 END AS over_without_lateness_count
    -- In this way it is not tested before it is counted, which would be to compute it twice.
    FROM placed WHERE place - item_count IS NOT NULL
    UNION ALL
    SELECT (place >> 43)::INTEGER, ''service'', NULL, (place & 1048575)::INTEGER, item_count,
        CASE WHEN place & 1048576 > 0 THEN item_count ELSE 0 END, NULL, NULL
    FROM served WHERE place - item_count IS NOT NULL
    UNION ALL
    SELECT run_number, ''lateness'', NULL, bucket, item_count, unsettled_count, NULL, NULL FROM late
    UNION ALL
    -- Most items of a good generator are not late at all: that is all the others.
    SELECT run_number, ''lateness'', NULL, 0, sum(item_count)::BIGINT, sum(unsettled_count)::BIGINT, NULL, NULL
    FROM (
        SELECT fact(''run_numbers'', run) AS run_number, item_count, CASE WHEN is_censored THEN item_count ELSE 0 END AS unsettled_count
        FROM services WHERE fact(''zeros'', run) IS NOT NULL
        UNION ALL SELECT run_number, -item_count, -unsettled_count FROM late
    )
    GROUP BY run_number HAVING sum(item_count) > 0' END);

-- grain: one row per batch that was closed with poisoned items in its range of ids (a later attempt has a parent and is no such row).
--   poison_count  how many. The others of the range are their batch-mates, whatever attempt each of them settled with in the end
--   write_count   send attempts that it took: the first, and all that descend from it by parent_batch_id
CREATE OR REPLACE TEMP VIEW poisoned_batches AS
WITH RECURSIVE
closed AS MATERIALIZED (
    SELECT b.run, b.batch_id, any_value(b.first_item_id) AS first_item_id, any_value(b.last_item_id) AS last_item_id,
        any_value(b.item_count) AS item_count, count(*) AS poison_count
    FROM batches b
    JOIN faults f ON f.run = b.run AND f.item_id BETWEEN b.first_item_id AND b.last_item_id
    WHERE f.fault = 'poison' AND b.parent_batch_id IS NULL
    GROUP BY b.run, b.batch_id
),
later AS MATERIALIZED (SELECT run, batch_id, parent_batch_id FROM batches WHERE parent_batch_id IS NOT NULL),
descent AS (
    SELECT run, batch_id AS closed_batch_id, batch_id FROM closed
    UNION ALL
    SELECT d.run, d.closed_batch_id, l.batch_id FROM descent d JOIN later l ON l.run = d.run AND l.parent_batch_id = d.batch_id
),
writes AS (SELECT run, closed_batch_id, count(*) AS write_count FROM descent GROUP BY ALL)
SELECT c.*, w.write_count FROM closed c JOIN writes w ON w.run = c.run AND w.closed_batch_id = c.batch_id;

-- grain: one row per run, is_mate, is_censored and latency bucket, of the items of `responses` that were not poisoned on purpose.
--   is_mate      was closed into one batch with a poisoned item (the view poisoned_batches)
--   is_censored  unsettled: counts with its age at the run's end
-- Few against many: of all that have a response, those that have to do with poison are taken off and put apart.
CREATE OR REPLACE TEMP VIEW innocents AS
WITH marks AS MATERIALIZED (
    SELECT run, item_id, bool_or(is_poison) AS is_poison FROM (
        SELECT run, unnest(range(first_item_id, last_item_id + 1)) AS item_id, false AS is_poison FROM poisoned_batches
        UNION ALL SELECT run, item_id, true FROM faults WHERE fault = 'poison'
    ) GROUP BY ALL
),
marked AS MATERIALIZED (
    SELECT s.run, m.is_poison, s.is_censored, latency_bucket(s.response_ns) AS bucket, count(*) AS n
    FROM responses s JOIN marks m ON m.run = s.run AND m.item_id = s.item_id
    WHERE s.response_ns IS NOT NULL
    GROUP BY ALL
)
SELECT run, is_mate, is_censored, bucket, sum(n)::BIGINT AS item_count FROM (
    SELECT run, false AS is_mate, unsettled_count > 0 AS is_censored, bucket, item_count AS n FROM latency_histogram WHERE measure = 'response'
    UNION ALL SELECT run, false, is_censored, bucket, -n FROM marked
    UNION ALL SELECT run, true, is_censored, bucket, n FROM marked WHERE NOT is_poison
)
GROUP BY run, is_mate, is_censored, bucket HAVING sum(n) > 0;

-- grain: one row per stage and variant with an intended load, repeats together: by how much the lag (due - settled) grows a second from
-- the warm-up's end to the load's, in items/s, with a 95 % interval (low, high); *_ratio: the same ÷ the items due a second in that time.
-- Method: the mean lag of every time block (the view time_blocks: 20 and more a run, longer than the stall cycle; each mean over ten
-- instants), then least squares over the block means with one slope and an intercept for each run. Items of one batch settle together and
-- stalls hit neighbours, so blocks are the unit, not items; what is left of it in the blocks widens the interval: the standard error is
-- multiplied by sqrt((1 + r) / (1 - r)), r the lag-1 autocorrelation of the residuals, 0 to 0.9. Student's t (expansion in 1 ÷ df,
-- Abramowitz & Stegun 26.7.5) with blocks - runs - 1 degrees of freedom. NULL where there are fewer than 10 blocks.
--   lag_at_end  the last block's mean lag, averaged over the runs. cell_number: the first cell's
CREATE OR REPLACE TEMP VIEW lag_slopes AS
WITH
grids AS (
    SELECT t.run, t.from_ns, t.block_count, greatest(t.block_ns / 10, 1) AS bin_ns
    FROM time_blocks t JOIN runs r ON r.run = t.run
    WHERE NOT r.is_saturate AND t.measured_ns > 0
),
-- By way of a map: a look-up once per 2,048 items.
widths AS (SELECT by_run(list((run, bin_ns))) AS bin_ns FROM grids),
counted AS (
    SELECT run, ceil((intended_at_ns - warmup_of(run)) / (SELECT bin_ns FROM widths)[run])::BIGINT AS bin, count(*) AS n, count(*) AS due
    FROM items GROUP BY ALL
    UNION ALL
    SELECT run, ceil((settled_at_ns - warmup_of(run)) / (SELECT bin_ns FROM widths)[run])::BIGINT, -sum(item_count), 0
    FROM fates WHERE settled_at_ns IS NOT NULL GROUP BY ALL
    UNION ALL SELECT run, unnest(range(10 * block_count + 1)), 0, 0 FROM grids
),
-- The warm-up is bin 0.
steps AS (SELECT run, not_negative(bin) AS bin, sum(n) AS n, sum(due) AS due FROM counted WHERE bin IS NOT NULL GROUP BY ALL),
lags AS (SELECT run, bin, due, sum(n) OVER (PARTITION BY run ORDER BY bin) AS lag FROM steps),
blocks AS (
    SELECT r.stage, r.variant, l.run, ((l.bin - 1) // 10)::INTEGER AS block, any_value(r.cell_number) AS cell_number,
        (any_value(g.from_ns) + (block + 0.5) * 10 * any_value(g.bin_ns)) / 1e9 AS at_s,
        any_value(g.bin_ns) * 10 / 1e9 AS block_s, avg(l.lag)::DOUBLE AS lag, sum(l.due)::DOUBLE AS due
    FROM lags l JOIN grids g ON g.run = l.run JOIN runs r ON r.run = l.run
    WHERE l.bin BETWEEN 1 AND 10 * g.block_count
    GROUP BY r.stage, r.variant, l.run, block
),
centred AS (
    SELECT *, at_s - avg(at_s) OVER (PARTITION BY run) AS x, lag - avg(lag) OVER (PARTITION BY run) AS y,
        CASE WHEN block = max(block) OVER (PARTITION BY run) THEN lag END AS last_lag
    FROM blocks
),
lines AS (
    SELECT stage, variant, count(DISTINCT run) AS runs, count(*) AS blocks, count(*) - count(DISTINCT run) - 1 AS df, sum(x * y) / nullif(sum(x * x), 0) AS slope,
        sum(x * x) AS sxx, sum(due) / sum(block_s) AS offered_per_s, avg(last_lag) AS lag_at_end, min(cell_number) AS cell_number
    FROM centred GROUP BY stage, variant
),
residuals AS (
    SELECT c.stage, c.variant, c.y - f.slope * c.x AS e, lag(c.y - f.slope * c.x) OVER (PARTITION BY c.run ORDER BY c.block) AS e_before
    FROM centred c JOIN lines f ON f.stage = c.stage AND f.variant = c.variant
),
errors AS (
    SELECT stage, variant, sum(e * e) AS sse, least(greatest(coalesce(sum(e * e_before) / nullif(sum(e * e), 0), 0), 0), 0.9) AS autocorrelation
    FROM residuals GROUP BY stage, variant
),
fitted AS (
    SELECT f.*, e.autocorrelation,
        CASE WHEN f.blocks >= 10 AND f.df >= 5
             THEN sqrt(e.sse / f.df / f.sxx) * sqrt((1 + e.autocorrelation) / (1 - e.autocorrelation)) END AS standard_error,
        1.959964 + (pow(1.959964, 3) + 1.959964) / (4 * f.df) + (5 * pow(1.959964, 5) + 16 * pow(1.959964, 3) + 3 * 1.959964) / (96 * f.df * f.df) AS t
    FROM lines f JOIN errors e ON e.stage = f.stage AND e.variant = f.variant
)
SELECT
    stage, variant, cell_number, runs, blocks, offered_per_s,
    CASE WHEN standard_error IS NOT NULL THEN slope END AS slope_per_s,
    slope - t * standard_error AS low_per_s, slope + t * standard_error AS high_per_s,
    slope_per_s / offered_per_s AS slope_ratio, low_per_s / offered_per_s AS low_ratio, high_per_s / offered_per_s AS high_ratio,
    autocorrelation, lag_at_end
FROM fitted;
