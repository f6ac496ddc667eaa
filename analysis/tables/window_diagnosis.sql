-- Question: what closes the batches: the window's size, its timer, or a worker that gets free?
-- Grain: one row per run and phase of the load ('' if it has none), by the phase of a batch's first item. Parameters: runs.warmup_ns.
-- Counted are the batches that the window closed after the warm-up, not retries and splits. *_ratio: shares of them. Units: items, ms.
-- size_, bytes_, age_, drain_ratio: by recorded flush cause. at_max_size_ratio: as many items as the window takes. fill_ratio: mean of
--   items ÷ window_max_size. oldest_age_ms: median age of the oldest item when its batch was taken (to 0.05 %), beside max_wait_ms, the
--   largest there was (NULL: no timer, in some batch). waited_ratio: batches that after closing waited for a worker longer than the
--   window had been open, and than a tenth of what the write then took (less is the way to a free worker).
-- reads_as, from what holds for two thirds of the batches without those of the drain: `size bound` (closed by size or bytes: a larger
--   window would take more), `timer bound` (closed by age, and a worker was free), `worker bound` (over age while no worker was free: they
--   hold what came in the meantime), else `mixed`.
WITH
-- The phase of all items of a batch that none of them left for another attempt, where it is one.
whole AS (
    SELECT run, batch_id, sum(item_count) AS item_count, min(phase) AS phase
    FROM fates WHERE batch_id IS NOT NULL
    GROUP BY run, batch_id
    HAVING count(DISTINCT phase) = 1
),
known AS MATERIALIZED (
    SELECT b.run, b.batch_id, b.first_item_id, w.phase
    FROM batches b LEFT JOIN whole w ON w.run = b.run AND w.batch_id = b.batch_id AND w.item_count = b.item_count
),
-- Of the others it is looked up, by stretches of 65,536 ids.
stretches AS (SELECT by_run(list((run, stretches))) AS stretches FROM (
    SELECT run, list(DISTINCT first_item_id >> 16) AS stretches FROM known WHERE phase IS NULL GROUP BY run
)),
groups AS (
    SELECT run, item_id >> 16 AS stretch, phase, bitstring_agg(item_id & 65535, 0, 65535) AS ids
    FROM items WHERE list_contains((SELECT stretches FROM stretches)[run], item_id >> 16) GROUP BY ALL
),
phases AS (
    SELECT run, batch_id, phase FROM known WHERE phase IS NOT NULL
    UNION ALL
    SELECT k.run, k.batch_id, g.phase
    FROM known k JOIN groups g ON g.run = k.run AND g.stretch = k.first_item_id >> 16 AND get_bit(g.ids, (k.first_item_id & 65535)::INTEGER) = 1
    WHERE k.phase IS NULL
),
closed AS (
    SELECT
        b.run, coalesce(i.phase, '') AS phase, b.flush_cause, b.item_count, b.window_max_size, b.window_max_wait_ns,
        latency_bucket(not_negative(b.oldest_age_ns)) AS age_bucket,
        coalesce(b.sent_at_ns - b.closed_at_ns
            > greatest(b.closed_at_ns - b.opened_at_ns, (b.settled_at_ns - b.sent_at_ns) // 10, 0), false) AS has_waited,
        count(*) AS n
    FROM batches b
    JOIN runs r ON r.run = b.run
    LEFT JOIN phases i ON i.run = b.run AND i.batch_id = b.batch_id
    WHERE b.closed_at_ns >= r.warmup_ns AND b.flush_cause NOT IN ('retry', 'split')
    GROUP BY ALL
),
cumulative AS (
    SELECT *,
        sum(n) OVER (PARTITION BY run, phase ORDER BY item_count) AS n_up_to_size,
        sum(n) OVER (PARTITION BY run, phase ORDER BY age_bucket) AS n_up_to_age,
        (sum(n) OVER (PARTITION BY run, phase))::BIGINT AS batch_count
    FROM closed
)
SELECT
    run, phase, any_value(c.batch_count) AS batch_count,
    coalesce(sum(n) FILTER (flush_cause = 'size'), 0) / sum(n) AS size_ratio,
    coalesce(sum(n) FILTER (flush_cause = 'bytes'), 0) / sum(n) AS bytes_ratio,
    coalesce(sum(n) FILTER (flush_cause = 'age'), 0) / sum(n) AS age_ratio,
    coalesce(sum(n) FILTER (flush_cause = 'drain'), 0) / sum(n) AS drain_ratio,
    min(item_count) FILTER (n_up_to_size >= nearest_rank(c.batch_count, 500000)) AS median_size,
    sum(n * item_count / window_max_size) / sum(n) FILTER (window_max_size > 0) AS fill_ratio,
    coalesce(sum(n) FILTER (item_count >= window_max_size), 0) / sum(n) AS at_max_size_ratio,
    latency_of(min(age_bucket) FILTER (n_up_to_age >= nearest_rank(c.batch_count, 500000))) / 1e6 AS oldest_age_ms,
    CASE WHEN count(*) = count(window_max_wait_ns) THEN max(window_max_wait_ns) / 1e6 END AS max_wait_ms,
    coalesce(sum(n) FILTER (has_waited), 0) / sum(n) AS waited_ratio,
    CASE WHEN drain_ratio = 1 THEN 'mixed'
         WHEN (size_ratio + bytes_ratio) / (1 - drain_ratio) >= 2 / 3 THEN 'size bound'
         WHEN sum(n) FILTER (flush_cause = 'age' AND NOT has_waited) / sum(n) / (1 - drain_ratio) >= 2 / 3 THEN 'timer bound'
         WHEN sum(n) FILTER (flush_cause = 'age' AND has_waited) / sum(n) / (1 - drain_ratio) >= 2 / 3 THEN 'worker bound'
         ELSE 'mixed' END AS reads_as
FROM cumulative c
GROUP BY run, phase
ORDER BY run, phase;
