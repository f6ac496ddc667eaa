-- Claim: the mean number of items in the queue, in memory and on disk, is the rate at which they were admitted times their mean time in it (Little's law), between
-- the run's first and last sample: L = lambda * W. The two sides come from different records: L from the sampled depth, averaged over time;
-- lambda * W from the items' instants (admitted to first sent, or to settled without that), cut at both ends of that time, so that there
-- are no edge effects.
-- Returns offending rows; none means that it holds. Grain: one row a run whose two sides differ by more than 2 % of the larger, the largest
-- batch (the depth's saw-tooth may be in step with the samples) and three standard errors of L (from the differences of neighbours, so
-- growth is no error). Units: items, items/s, ms.
-- Silent on a run with fewer than 10 samples, and where the standard error is more than 5 % of L: there samples don't follow the depth. A
-- load whose bursts come in step with the samples can offend without fault: tables/queue_depth.sql is exact.
WITH
sampled AS (
    SELECT run, at_ns, depth_items + spilled AS n, lag(at_ns) OVER in_time AS before_ns, lag(n) OVER in_time AS n_before
    FROM samples
    WINDOW in_time AS (PARTITION BY run ORDER BY at_ns)
),
averaged AS (
    SELECT run, count(*) AS sample_count, min(at_ns) AS from_ns, max(at_ns) AS to_ns,
        sum((at_ns - before_ns) * (n + n_before) / 2.0) / (max(at_ns) - min(at_ns)) AS mean_depth,
        sqrt(avg((n - n_before) ** 2) / 2 / count(*)) AS standard_error
    FROM sampled
    GROUP BY run
    HAVING count(*) >= 10 AND max(at_ns) > min(at_ns)
),
-- By way of a list, the planner takes it for small; else it would hold the items in memory.
spans AS (SELECT unnest(rows, recursive := true) FROM (SELECT list(a) AS rows FROM averaged a)),
stays AS (
    SELECT i.run,
        count(*) FILTER (i.admitted_at_ns < s.to_ns) AS item_count,
        sum(greatest(least(coalesce(i.first_sent_at_ns, i.settled_at_ns, s.to_ns), s.to_ns) - greatest(i.admitted_at_ns, s.from_ns), 0))
            AS stay_ns
    FROM items i JOIN spans s ON s.run = i.run
    WHERE i.admitted_at_ns IS NOT NULL
    GROUP BY i.run
),
largest AS (SELECT run, max(item_count) AS item_count FROM batches GROUP BY run),
compared AS (
    SELECT
        a.run, a.mean_depth, a.sample_count,
        t.item_count / ((a.to_ns - a.from_ns) / 1e9) AS admitted_per_s,
        t.stay_ns / nullif(t.item_count, 0) / 1e6 AS mean_stay_ms,
        coalesce(t.stay_ns, 0) / (a.to_ns - a.from_ns) AS rate_times_stay,
        0.02 * greatest(a.mean_depth, rate_times_stay) + 3 * a.standard_error + coalesce(g.item_count, 1) AS allowed_difference
    FROM averaged a LEFT JOIN stays t ON t.run = a.run LEFT JOIN largest g ON g.run = a.run
    WHERE a.standard_error <= 0.05 * a.mean_depth
)
SELECT run, mean_depth, rate_times_stay, mean_depth - rate_times_stay AS difference, allowed_difference, admitted_per_s, mean_stay_ms,
    sample_count
FROM compared
WHERE abs(mean_depth - rate_times_stay) > allowed_difference
ORDER BY run;
