-- Question: how long did an item take, from its intended arrival (response) and from its last send (service)?
-- Grain: one row per run, measure and quantile. Parameters: runs.warmup_ns cuts the warm-up. Unit: ns.
-- quantile: p50, p95, p99, p99.9, max; slo = the percentile that the run's SLO names; slo_with_losses = the same with every dropped
-- or dead-lettered item taken as infinitely late (value_ns NULL: it is infinite).
-- Nearest rank, exact, in bounded memory (see latency_bucket). An unsettled item counts with its age at the run's end, which its
-- true value can only exceed: where that matters to the rank, is_lower_bound is true and the figure reads "at least value_ns".
WITH
lost AS (
    SELECT run, sum(item_count)::BIGINT AS lost_count FROM fates
    WHERE outcome IN ('dropped', 'dead_lettered') AND is_measured
    GROUP BY run
),
probabilities AS (
    SELECT r.run, fact('run_numbers', r.run) AS run_number, p.measure, q.quantile, coalesce(q.ppm, r.slo_ppm) AS ppm,
        CASE WHEN q.quantile = 'slo_with_losses' THEN coalesce(l.lost_count, 0) ELSE 0 END AS lost_count
    FROM runs r
    LEFT JOIN lost l ON l.run = r.run
    CROSS JOIN (VALUES ('response'), ('service')) p(measure)
    CROSS JOIN (VALUES ('p50', 500000), ('p95', 950000), ('p99', 990000), ('p99.9', 999000), ('max', 1000000),
        ('slo', NULL), ('slo_with_losses', NULL)) q(quantile, ppm)
    WHERE p.measure = 'response' OR q.quantile <> 'slo_with_losses'
),
histogram AS MATERIALIZED (
    SELECT run_number, measure, bucket, sum(item_count)::BIGINT AS n, sum(item_count - unsettled_count)::BIGINT AS settled
    FROM latency_histogram WHERE measure <> 'lateness' GROUP BY ALL
),
cumulative AS (
    SELECT *,
        (sum(n) OVER up_to - n)::BIGINT AS n_before,
        (sum(settled) OVER up_to - settled)::BIGINT AS settled_before,
        (sum(n) OVER (PARTITION BY run_number, measure))::BIGINT AS item_count
    FROM histogram
    WINDOW up_to AS (PARTITION BY run_number, measure ORDER BY bucket)
),
totals AS (SELECT DISTINCT run_number, measure, item_count FROM cumulative),
ranked AS (
    SELECT p.run, p.run_number, p.measure, p.quantile, t.item_count, nearest_rank(t.item_count + p.lost_count, p.ppm) AS rank
    FROM probabilities p JOIN totals t ON t.run_number = p.run_number AND t.measure = p.measure
),
located AS MATERIALIZED (
    SELECT w.*, c.bucket, c.n_before, c.settled_before
    FROM ranked w
    LEFT JOIN cumulative c ON c.run_number = w.run_number AND c.measure = w.measure AND w.rank > c.n_before AND w.rank <= c.n_before + c.n
),
looked_into AS (SELECT by_run(list((run, responses))) AS responses, by_run(list((run, services))) AS services,
    by_run(list((run, floor(pow(2, list_min(responses) / 1420) - 1)::BIGINT - 1))) AS least_ns FROM (
    SELECT run, list(DISTINCT bucket) FILTER (measure = 'response') AS responses,
        list(DISTINCT bucket) FILTER (measure = 'service') AS services
    FROM located GROUP BY run
)),
inside AS (
    -- By way of a map rather than a join or IN: that would be a look-up an item, and the planner might hold the millions in memory.
    SELECT run, 'response' AS measure, latency_bucket(response_ns) AS bucket, response_ns AS value_ns, count(*) AS n,
        count(*) FILTER (NOT is_censored) AS settled
    FROM responses
    WHERE response_ns >= (SELECT least_ns FROM looked_into)[run] AND list_contains((SELECT responses FROM looked_into)[run], latency_bucket(response_ns))
    GROUP BY ALL
    UNION ALL
    SELECT run, 'service', latency_bucket(service_ns) AS bucket, service_ns AS value_ns, sum(item_count)::BIGINT,
        coalesce(sum(item_count) FILTER (NOT is_censored), 0)::BIGINT
    FROM services WHERE list_contains((SELECT services FROM looked_into)[run], latency_bucket(service_ns))
    GROUP BY ALL
),
inside_cumulative AS (
    SELECT *,
        (sum(n) OVER up_to)::BIGINT AS n_up_to,
        (sum(settled) OVER up_to)::BIGINT AS settled_up_to
    FROM inside
    WINDOW up_to AS (PARTITION BY run, measure, bucket ORDER BY value_ns)
)
SELECT
    l.run,
    l.measure,
    l.quantile,
    l.item_count,
    l.rank,
    min(i.value_ns) AS value_ns,
    coalesce(l.settled_before + arg_min(i.settled_up_to, i.value_ns) < l.rank, false) AS is_lower_bound
FROM located l
LEFT JOIN inside_cumulative i
    ON i.run = l.run AND i.measure = l.measure AND i.bucket = l.bucket AND l.n_before + i.n_up_to >= l.rank
GROUP BY l.run, l.measure, l.quantile, l.item_count, l.rank, l.settled_before
ORDER BY l.run, l.measure, l.rank, l.quantile;
