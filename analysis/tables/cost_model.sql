-- Question: what does a batch cost the sink, as a fixed part and a part per item: T(n) = F + V * n? And what should batching gain?
-- Grain: one row per sink and is_simulated, over all runs that are read (as one sink, whatever its settings). Parameters: runs.warmup_ns.
-- From the service time (settled - sent) of the batches committed after the warm-up. Units: us, items.
-- How it is fitted. Batches of a size make one point, their mean: sizes up to 32 each by itself, above that 16 bins to a doubling. Least
--   squares of relative errors, each point weighted by its batches but 100 at most: most batches of a sweep hold a single item, and by
--   their number alone they would decide F and leave V, which the big ones show, to chance.
--   A commit that stalls (more than five times the median of its size) is left out: stalls come by time and bytes, not by the batch.
--   stalled_count says how many, stalled_time_ratio which share of all service time they took: the line knows nothing of it.
-- *_low_us, *_high_us: 95 %, from the points' scatter about the line (Student's t). r2: of the points, as weighted. residual_us: root
--   mean square of a batch's distance from the line. NULL, like the rest, for fewer than 3 sizes: no line is quoted from two points.
-- lack_of_fit: mean square of the points' distance from the line ÷ that of the batches within a size (F ratio, relative errors). About 1
--   if it is a line, NULL if batches of a size don't differ. In a load run batches grow while the sink is slow: it informs, no more.
-- break_even_items: F ÷ V, where the items cost as much as the batch itself; NULL unless both are positive.
-- predicted_speedup: N (F + V) ÷ (F + N V), N and 1 being the mean sizes (to_ and from_items_per_batch) at saturation under the largest and
--   the smallest window.max_size. measured_speedup: committed items/s, the one ÷ the other. NULL without two windows in `saturate` runs.
WITH
groups AS (
    SELECT
        r.sink, r.is_simulated,
        CASE WHEN b.item_count <= 32 THEN b.item_count ELSE 32 + floor(16 * log2(b.item_count / 32))::INTEGER END AS size_bin,
        latency_bucket(not_negative(b.settled_at_ns - b.sent_at_ns)) AS bucket,
        count(*) AS batch_count,
        sum(b.item_count)::DOUBLE AS n, sum(b.item_count::DOUBLE * b.item_count) AS n_n,
        sum(b.settled_at_ns - b.sent_at_ns) / 1e3 AS t, sum(((b.settled_at_ns - b.sent_at_ns) / 1e3) ** 2) AS t_t,
        sum((b.settled_at_ns - b.sent_at_ns) / 1e3 * b.item_count) AS n_t
    FROM batches b JOIN runs r ON r.run = b.run
    WHERE b.outcome = 'committed' AND b.sent_at_ns >= r.warmup_ns AND b.item_count > 0
    GROUP BY ALL
),
ranked AS (
    SELECT *, sum(batch_count) OVER (PARTITION BY sink, is_simulated, size_bin ORDER BY bucket) AS batches_up_to,
        (sum(batch_count) OVER (PARTITION BY sink, is_simulated, size_bin))::BIGINT AS batches_of_size
    FROM groups
),
judged AS (
    SELECT *, bucket > latency_bucket(5 * latency_of(min(bucket) FILTER (batches_up_to >= nearest_rank(batches_of_size, 500000))
        OVER (PARTITION BY sink, is_simulated, size_bin))) AS is_stalled
    FROM ranked
),
points AS (
    SELECT
        sink, is_simulated, size_bin, sum(batch_count) AS batches,
        sum(n) / batches AS x, greatest(sum(t) / batches, 1e-3) AS y, least(batches, 100) / y ** 2 AS weight,
        sum(n) AS n, sum(n_n) AS n_n, sum(t) AS t, sum(t_t) AS t_t, sum(n_t) AS n_t, greatest(sum(t_t) - sum(t) ** 2 / batches, 0) AS within
    FROM judged WHERE NOT is_stalled
    GROUP BY ALL
),
sums AS (
    SELECT
        sink, is_simulated, count(*) AS size_count, sum(weight) AS w,
        sum(weight * x) / w AS mean_x, sum(weight * y) / w AS mean_y
    FROM points GROUP BY ALL
),
lines AS (
    SELECT p.sink, p.is_simulated, any_value(s.size_count) AS size_count, any_value(s.w) AS w, any_value(s.mean_x) AS mean_x,
        sum(p.weight * (p.x - s.mean_x) ** 2) AS s_xx, sum(p.weight * (p.y - s.mean_y) ** 2) AS s_yy,
        sum(p.weight * (p.x - s.mean_x) * (p.y - s.mean_y)) / nullif(s_xx, 0) AS v,
        any_value(s.mean_y) - v * any_value(s.mean_x) AS f
    FROM points p JOIN sums s ON s.sink IS NOT DISTINCT FROM p.sink AND s.is_simulated = p.is_simulated
    GROUP BY ALL
    HAVING any_value(s.size_count) >= 3
),
fits AS (
    SELECT
        p.sink, p.is_simulated, any_value(l.f) AS f, any_value(l.v) AS v, any_value(l.s_yy) AS s_yy,
        sum(p.weight * (p.y - l.f - l.v * p.x) ** 2) AS s_residual,
        s_residual / (any_value(l.size_count) - 2) AS variance,
        sqrt(variance / any_value(l.s_xx)) AS error_v,
        sqrt(variance * (1 / any_value(l.w) + any_value(l.mean_x) ** 2 / any_value(l.s_xx))) AS error_f,
        -- Student's t, 97.5 %: exact up to 10 degrees of freedom, a series in 1 / df beyond (to 0.1 %).
        coalesce([12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228][any_value(l.size_count) - 2],
            1.960 + 2.372 / (any_value(l.size_count) - 2) + 2.822 / (any_value(l.size_count) - 2) ** 2) AS t_quantile,
        sqrt(greatest(sum(p.t_t + l.f ** 2 * p.batches + l.v ** 2 * p.n_n - 2 * l.f * p.t - 2 * l.v * p.n_t + 2 * l.f * l.v * p.n), 0)
            / greatest(sum(p.batches) - 2, 1)) AS residual_us,
        (sum(p.batches / p.y ** 2 * (p.y - l.f - l.v * p.x) ** 2) / (any_value(l.size_count) - 2))
            / nullif(sum(p.within / p.y ** 2) / nullif(sum(p.batches) - any_value(l.size_count), 0), 0) AS lack_of_fit
    FROM points p JOIN lines l ON l.sink IS NOT DISTINCT FROM p.sink AND l.is_simulated = p.is_simulated
    GROUP BY ALL
),
all_sizes AS (
    SELECT sink, is_simulated, sum(batch_count)::BIGINT AS batch_count, count(DISTINCT size_bin) AS size_count,
        coalesce(sum(batch_count) FILTER (is_stalled), 0)::BIGINT AS stalled_count,
        coalesce(sum(t) FILTER (is_stalled), 0) / nullif(sum(t), 0) AS stalled_time_ratio
    FROM judged GROUP BY ALL
),
saturated_runs AS (
    SELECT r.run, r.sink, r.is_simulated, r.window_max_size, (r.load_ended_at_ns - r.warmup_ns) / 1e9 AS measured_s,
        count(b.run) AS batch_count, sum(b.item_count) AS item_count
    FROM runs r
    LEFT JOIN batches b ON b.run = r.run AND b.outcome = 'committed' AND b.settled_at_ns > r.warmup_ns AND b.settled_at_ns <= r.load_ended_at_ns
    WHERE r.is_saturate AND r.load_ended_at_ns > r.warmup_ns AND r.window_max_size IS NOT NULL
    GROUP BY ALL
),
saturated AS (
    SELECT sink, is_simulated, window_max_size, sum(item_count) / nullif(sum(batch_count), 0) AS items_per_batch,
        sum(item_count) / sum(measured_s) AS committed_per_s
    FROM saturated_runs GROUP BY ALL
),
windows AS (
    SELECT sink, is_simulated,
        arg_min(items_per_batch, window_max_size) AS from_items, arg_max(items_per_batch, window_max_size) AS to_items,
        arg_max(committed_per_s, window_max_size) / arg_min(committed_per_s, window_max_size) AS speedup
    FROM saturated GROUP BY ALL HAVING count(*) > 1
)
SELECT
    a.sink, a.is_simulated,
    f.f AS fixed_us, f.f - f.t_quantile * f.error_f AS fixed_low_us, f.f + f.t_quantile * f.error_f AS fixed_high_us,
    f.v AS per_item_us, f.v - f.t_quantile * f.error_v AS per_item_low_us, f.v + f.t_quantile * f.error_v AS per_item_high_us,
    1 - f.s_residual / nullif(f.s_yy, 0) AS r2,
    f.residual_us, a.batch_count, a.size_count, f.lack_of_fit, a.stalled_count, a.stalled_time_ratio,
    CASE WHEN f.f > 0 AND f.v > 0 THEN f.f / f.v END AS break_even_items,
    w.from_items AS from_items_per_batch, w.to_items AS to_items_per_batch,
    (w.to_items / w.from_items) * (f.f + f.v * w.from_items) / (f.f + f.v * w.to_items) AS predicted_speedup,
    w.speedup AS measured_speedup
FROM all_sizes a
LEFT JOIN fits f ON f.sink IS NOT DISTINCT FROM a.sink AND f.is_simulated = a.is_simulated
LEFT JOIN windows w ON w.sink IS NOT DISTINCT FROM a.sink AND w.is_simulated = a.is_simulated
ORDER BY a.sink, a.is_simulated;
