-- Question: does the backlog grow while the load lasts? Then the run is saturated, and its latency grows with its duration.
-- Grain: one row a run that has intended times and lasted beyond its warm-up. Parameters: runs.warmup_ns.
-- Lag at t = items due by t - items settled by t (not offered - settled, which the policy `block` would cap), at the ends of 60 equal
-- bins from the warm-up's end to the last intended arrival, and its least-squares line. A dropped item is settled.
-- grows: slope > 0, R² >= 0.5, the mean lag rises from each third to the next, and the line gains at least 1 % of the items due in
-- that time and two of the largest batches: what batching keeps in flight anyway is no growth. And it gains twice what the same
-- steps, bin to bin, would add up to by chance (a stable queue wanders, and in a short run that looks like growth).
-- grows_without_lateness: the same with the instant of the offer instead of the intended one (is the generator to blame?).
WITH
spans AS (
    SELECT run, warmup_of(run) AS from_ns, greatest((max(last_due_ns) - warmup_of(run)) / 60.0, 1) AS bin_ns
    FROM fates
    WHERE fact('zeros', run) IS NOT NULL
    GROUP BY run
    HAVING max(last_due_ns) > warmup_of(run)
),
-- By way of a map: a look-up once per 2,048 items.
widths AS (SELECT by_run(list((run, bin_ns))) AS bin_ns FROM spans),
due AS (
    SELECT run, ceil((intended_at_ns - warmup_of(run)) / (SELECT bin_ns FROM widths)[run])::BIGINT AS bin, count(*) AS n
    FROM items GROUP BY ALL
),
-- What was not offered when it was due, moved from the one bin to the other.
moved AS (
    SELECT run, ceil((intended_at_ns - warmup_of(run)) / (SELECT bin_ns FROM widths)[run])::BIGINT AS due_bin,
        ceil((offered_at_ns - warmup_of(run)) / (SELECT bin_ns FROM widths)[run])::BIGINT AS offered_bin, count(*) AS n
    FROM items WHERE offered_at_ns <> intended_at_ns GROUP BY ALL
),
counted AS (
    SELECT run, bin, n AS due, n AS offered, 0 AS settled FROM due
    UNION ALL SELECT run, due_bin, 0, -n, 0 FROM moved
    UNION ALL SELECT run, offered_bin, 0, n, 0 FROM moved
    UNION ALL
    SELECT run, ceil((settled_at_ns - warmup_of(run)) / (SELECT bin_ns FROM widths)[run])::BIGINT AS bin, 0, 0, sum(item_count)
    FROM fates WHERE settled_at_ns IS NOT NULL GROUP BY ALL
    UNION ALL SELECT s.run, b.bin, 0, 0, 0 FROM spans s CROSS JOIN range(61) b(bin)
),
-- The warm-up is bin 0.
per_bin AS (
    SELECT run, not_negative(bin) AS bin, sum(due) AS due, sum(offered) AS offered, sum(settled) AS settled FROM counted GROUP BY ALL
),
lags AS (
    SELECT p.run, p.bin, s.bin_ns, p.due,
        (s.from_ns + p.bin * s.bin_ns) / 1e9 AS at_s,
        (sum(p.due - p.settled) OVER up_to)::DOUBLE AS lag,
        (sum(p.offered - p.settled) OVER up_to)::DOUBLE AS offered_lag,
        (p.due - p.settled)::DOUBLE AS step, (p.offered - p.settled)::DOUBLE AS offered_step,
        ((p.bin - 1) // 20)::INTEGER AS third
    FROM per_bin p JOIN spans s ON s.run = p.run
    WHERE p.bin <= 60
    WINDOW up_to AS (PARTITION BY p.run ORDER BY p.bin)
),
largest AS (SELECT run, max(item_count) AS item_count FROM batches GROUP BY run),
fitted AS (
    SELECT l.run,
        any_value(l.bin_ns) * 60 / 1e9 AS span_s,
        sum(l.due) AS due_count,
        regr_slope(lag, at_s) AS slope_items_per_s, regr_r2(lag, at_s) AS r2,
        regr_slope(offered_lag, at_s) AS offered_slope, regr_r2(offered_lag, at_s) AS offered_r2,
        avg(lag) FILTER (third = 0) AS lag_first_third, avg(lag) FILTER (third = 1) AS lag_second_third,
        avg(lag) FILTER (third = 2) AS lag_last_third, arg_max(lag, bin) AS lag_at_end,
        avg(offered_lag) FILTER (third = 0) AS o1, avg(offered_lag) FILTER (third = 1) AS o2, avg(offered_lag) FILTER (third = 2) AS o3,
        greatest(0.01 * sum(l.due), 2 * coalesce(any_value(g.item_count), 0)) AS needed,
        2 * sqrt(count(*)) * stddev_samp(step) AS by_chance, 2 * sqrt(count(*)) * stddev_samp(offered_step) AS offered_by_chance
    FROM lags l LEFT JOIN largest g ON g.run = l.run
    WHERE l.bin > 0
    GROUP BY l.run
)
SELECT
    run, span_s,
    due_count / span_s AS due_per_s,
    slope_items_per_s,
    slope_items_per_s * span_s AS growth_items,
    r2, lag_first_third, lag_second_third, lag_last_third, lag_at_end,
    coalesce(slope_items_per_s > 0 AND r2 >= 0.5 AND lag_first_third < lag_second_third AND lag_second_third < lag_last_third
        AND slope_items_per_s * span_s >= greatest(needed, by_chance), false) AS grows,
    coalesce(offered_slope > 0 AND offered_r2 >= 0.5 AND o1 < o2 AND o2 < o3
        AND offered_slope * span_s >= greatest(needed, offered_by_chance), false) AS grows_without_lateness
FROM fitted
ORDER BY run;
