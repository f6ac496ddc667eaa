-- Question: how did the run go over time: what was due, what was settled, how far behind was it?
-- Grain: one row per run and bin of time from the run's start. Parameter: bin_ms (default 100).
-- Computed from items, not from samples: sampling misses bursts. lag_items = due - settled at the bin's end. Bins without any event
-- are left out. Rates are per second of the bin.
WITH
bins AS (SELECT coalesce(getvariable('bin_ms'), 100)::BIGINT * 1000000 AS bin_ns),
counted AS (
    SELECT run, intended_at_ns // bin_ns AS bin, count(*) AS due, 0 AS committed, 0 AS settled FROM items, bins GROUP BY ALL
    UNION ALL
    SELECT run, settled_at_ns // bin_ns, 0, coalesce(sum(item_count) FILTER (outcome = 'committed'), 0), sum(item_count)
    FROM fates, bins WHERE settled_at_ns IS NOT NULL GROUP BY ALL
),
per_bin AS (
    SELECT run, bin, sum(due)::BIGINT AS due_count, sum(committed)::BIGINT AS committed_count, sum(settled)::BIGINT AS settled_count
    FROM counted GROUP BY ALL
)
SELECT
    run,
    bin * bin_ns AS from_ns,
    due_count,
    committed_count,
    settled_count,
    due_count * 1e9 / bin_ns AS due_per_s,
    committed_count * 1e9 / bin_ns AS committed_per_s,
    (sum(due_count - settled_count) OVER (PARTITION BY run ORDER BY bin))::BIGINT AS lag_items
FROM per_bin, bins
ORDER BY run, from_ns;
