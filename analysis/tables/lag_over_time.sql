-- Question: how far behind was each run over its time: flat, or a spiral?
-- Grain: one row per run with an intended load and bin of time, equal bins from the run's start to the load's end. Parameter: bin_count
-- (default 40).
-- Units: items, ms. at_ms: the bin's end. lag_items: items due by then - items settled by then (committed, dropped or dead-lettered).
-- Not offered - settled, which the policy `block` would cap.
WITH
-- Of a run that was killed the load's end is when the last item known was due.
extents AS (SELECT run, max(last_due_ns) AS last_due_ns FROM fates GROUP BY run),
grids AS (
    SELECT r.run, coalesce(getvariable('bin_count')::BIGINT, 40) AS bins,
        greatest(coalesce(r.load_ended_at_ns, e.last_due_ns) / bins, 1) AS bin_ns
    FROM runs r JOIN extents e ON e.run = r.run
    WHERE NOT r.is_saturate
),
-- By way of a map: a look-up once per 2,048 items.
widths AS (SELECT by_run(list((run, bin_ns))) AS bin_ns FROM grids),
counted AS (
    SELECT run, ceil(intended_at_ns / (SELECT bin_ns FROM widths)[run])::BIGINT AS bin, count(*) AS n FROM items GROUP BY ALL
    UNION ALL
    SELECT run, ceil(settled_at_ns / (SELECT bin_ns FROM widths)[run])::BIGINT, -sum(item_count)
    FROM fates WHERE settled_at_ns IS NOT NULL GROUP BY ALL
    UNION ALL SELECT run, unnest(range(1, bins + 1)), 0 FROM grids
),
-- What is due in the first instant belongs to the first bin.
steps AS (SELECT run, greatest(bin, 1) AS bin, sum(n) AS n FROM counted WHERE bin IS NOT NULL GROUP BY ALL),
lags AS (SELECT run, bin, (sum(n) OVER (PARTITION BY run ORDER BY bin))::BIGINT AS lag_items FROM steps)
SELECT l.run, l.bin * g.bin_ns / 1e6 AS at_ms, l.lag_items
FROM lags l JOIN grids g ON g.run = l.run
WHERE l.bin <= g.bins
ORDER BY l.run, at_ms;
