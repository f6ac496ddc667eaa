-- Question: which window did a tuning sweep choose, out of how many, and what did it pay and keep?
-- Grain: one row, none without a stage `tune …`. The rule is that of the sweep: of the windows that PASS in every run of every such stage
--   the one with the fewest commits (batches, where the sink has none) per committed item over all of them together.
-- max_size is NULL where no window keeps the SLO. next_*: the second best. worst_ms: its largest SLO percentile in a tune stage.
-- dearer_ratio: what one item a batch paid, as a multiple; NULL where it was not tried. Units: items, ms. runs: what it rests on.
WITH
sent AS (
    SELECT run, sum(commits) AS commits, count(*) AS batch_count, sum(item_count) FILTER (outcome = 'committed') AS committed_count
    FROM batches GROUP BY run
),
tuned AS (
    SELECT
        r.variant, any_value(r.window_max_size) AS max_size, any_value(r.window_max_wait_ms) AS max_wait_ms,
        bool_and(coalesce(v.result = 'PASS', false)) AND count(DISTINCT r.stage) = any_value(t.stage_count) AS keeps,
        CASE WHEN sum(s.commits) > 0 THEN sum(s.commits) ELSE sum(s.batch_count) END / nullif(sum(s.committed_count), 0) AS commits_per_item,
        max(v.value_ms) AS worst_ms
    FROM runs r
    LEFT JOIN verdicts v ON v.run = r.run
    LEFT JOIN sent s ON s.run = r.run,
    (SELECT count(DISTINCT stage) AS stage_count FROM runs WHERE stage LIKE 'tune %') t
    WHERE r.stage LIKE 'tune %'
    GROUP BY r.variant
),
ranked AS (SELECT *, row_number() OVER (ORDER BY commits_per_item, max_size) AS place FROM tuned WHERE keeps),
facts AS (
    SELECT count(DISTINCT stage) AS load_count, any_value(slo_percentile) AS percentile, any_value(slo_bound_ms) AS bound_ms,
        any_value(sink) AS sink, bool_or(is_simulated) AS is_simulated, list(run ORDER BY run) AS runs
    FROM runs WHERE stage LIKE 'tune %'
)
SELECT
    f.sink, f.is_simulated, f.percentile, f.bound_ms, f.load_count,
    (SELECT count(*) FROM tuned) AS tried_count,
    (SELECT count(*) FROM ranked) AS kept_count,
    b.max_size, b.max_wait_ms, b.commits_per_item, b.worst_ms,
    n.max_size AS next_max_size, n.max_wait_ms AS next_max_wait_ms, n.commits_per_item AS next_commits_per_item,
    (SELECT any_value(commits_per_item) FROM tuned WHERE max_size = 1) / b.commits_per_item AS dearer_ratio,
    f.runs
FROM facts f
LEFT JOIN ranked b ON b.place = 1
LEFT JOIN ranked n ON n.place = 2
WHERE f.load_count > 0;
