-- Question: is the sink dominated by its fixed cost?
-- Grain: one row, over all committed batches of the sweep after each run's warm-up; none if fewer than 3 sizes were seen.
-- value: the lower end of F ÷ V, where service time = F + V × items (least squares; 95 % ends of F and V, normal errors): how many
-- items cost as much by themselves as one batch does. The fit of a load run informs; tables/cost_model.sql shows its lack of fit.
WITH served AS (
    SELECT b.item_count::DOUBLE AS n, (b.settled_at_ns - b.sent_at_ns)::DOUBLE AS service_ns
    FROM batches b
    JOIN runs r ON r.run = b.run
    WHERE b.outcome = 'committed' AND b.sent_at_ns >= r.warmup_ns
),
fitted AS (
    SELECT count(*) AS batch_count, count(DISTINCT n) AS size_count, regr_intercept(service_ns, n) AS f, regr_slope(service_ns, n) AS v,
        regr_sxx(service_ns, n) AS sxx, regr_syy(service_ns, n) AS syy, avg(n) AS mean_n
    FROM served
),
errors AS (
    SELECT *, sqrt(greatest(syy - v * v * sxx, 0) / (batch_count - 2)) AS residual_ns FROM fitted WHERE size_count >= 3
)
SELECT
    f / 1e3 AS fixed_us, v / 1e3 AS per_item_us,
    (f - 1.96 * residual_ns * sqrt(1 / batch_count + mean_n * mean_n / sxx)) / greatest(v + 1.96 * residual_ns / sqrt(sxx), 1e-9) AS value,
    batch_count, size_count
FROM errors;
