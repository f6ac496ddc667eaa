-- Question: which metric warns first of a broken SLO, at the same rate of false alarms?
-- Grain: one row per clock (simulated or live) and metric, ranked within the clock. A sweep's stages say what a run is for: `train …` or `test …`, and
--   healthy where the name ends with that, else with a fault. Other stages are left out. Ratios of counts, ms; of a metric its own unit.
-- Parameters: alarms_per_min (1): how many false alarms are allowed in a minute of the healthy train runs; slo_window_ms (1000) and
--   metric_window_ms (250): how far back a look goes.
-- At each sampling instant t from the warm-up's end on (of a healthy run up to the load's end) there is
--   the SLO: broken at t if, of the items that settled in the slo_window before t and those that are due and not settled at t, more are over
--     slo.bound_ms than its percentile allows (an item counts as over from due + bound on: it can't be in time any more). To 1 ms.
--   depth_items, oldest_age_ms (of the queue), lag_items (due − settled), rss_bytes: as sampled.
--   lag_ms: the lag in time, lag_items ÷ what was offered in the slo_window. NULL if there are none.
--   drop_rate_per_s: drops within the metric_window before t, from the samples' counters.
--   size_trigger_ratio: of the batches sent in it (no retries, no splits), the share that closed by size. NULL if there are none.
--   batch_wait_ms: mean wait from admitted to first sent, of the items sent in it. NULL if there are none.
-- An alarm begins where a metric gets above its threshold. threshold: the lowest from which on no higher one gives more alarms than allowed
--   on the healthy train runs; so every metric gets the same chance. healthy_alarms_per_min: alarms on the healthy test runs. What lies
--   within a second of a broken SLO is not healthy (live hosts stall): left out of both.
-- lead: breach − first instant above the threshold, both from the fault's beginning on (outage, brownout: faults.*.from_ns in the manifest;
--   else, as for a ramp, the warm-up's end). A miss: no such instant, or one after the breach. Runs that never break the SLO, or had broken
--   it by then, have no lead (left_out_count). test_lead_* over the runs that are no miss; the p50 counts a miss as no lead at all.
-- rank: by the train runs alone (fewest misses, longest median lead), so the test_ columns are no part of the choice. NULL and `why` for a
--   metric that can't be ranked.
WITH
parameters AS (
    SELECT coalesce(getvariable('alarms_per_min')::DOUBLE, 1) AS alarms_per_min,
        coalesce(getvariable('slo_window_ms')::BIGINT, 1000) AS slo_window_ms,
        coalesce(getvariable('metric_window_ms')::BIGINT, 250) AS metric_window_ms
),
roles AS (
    SELECT run, is_simulated, stage LIKE 'test %' AS is_test, stage LIKE '%healthy' AS is_healthy, slo_ppm, warmup_ns,
        CASE WHEN is_healthy THEN coalesce(load_ended_at_ns, ended_at_ns) END AS to_ns,
        coalesce(least((manifest ->> '$.faults.outage.from_ns')::BIGINT, (manifest ->> '$.faults.brownout.from_ns')::BIGINT), warmup_ns)
            AS fault_from_ns
    FROM runs WHERE stage LIKE 'train %' OR stage LIKE 'test %'
),
-- What happened, added up by the millisecond; the items are read once.
moved AS MATERIALIZED (
    SELECT run, intended_at_ns // 1000000 AS due_ms, (intended_at_ns + bound_ns) // 1000000 AS over_ms, first_sent_at_ns // 1000000 AS sent_ms,
        CASE WHEN NOT is_censored THEN settled_at_ns // 1000000 END AS settled_ms, response_ns > bound_ns AS is_over, count(*) AS n,
        count(first_sent_at_ns) AS sent, sum(first_sent_at_ns - admitted_at_ns) AS wait_ns
    FROM responses GROUP BY ALL
),
events AS (
    SELECT run, due_ms AS at_ms, sum(n) AS due, 0 AS over, 0 AS settled, 0 AS settled_over, 0 AS batches, 0 AS by_size, 0 AS sent, 0 AS wait_ns
    FROM moved GROUP BY ALL
    UNION ALL
    SELECT run, over_ms, 0, sum(n), 0, 0, 0, 0, 0, 0 FROM moved WHERE is_over GROUP BY ALL
    UNION ALL
    SELECT run, settled_ms, 0, 0, sum(n), coalesce(sum(n) FILTER (is_over), 0), 0, 0, 0, 0 FROM moved WHERE settled_ms IS NOT NULL GROUP BY ALL
    UNION ALL
    SELECT run, sent_ms, 0, 0, 0, 0, 0, 0, sum(sent), sum(wait_ns) FROM moved WHERE sent > 0 GROUP BY ALL
    UNION ALL
    SELECT run, sent_at_ns // 1000000, 0, 0, 0, 0, count(*), count(*) FILTER (flush_cause = 'size'), 0, 0
    FROM batches WHERE sent_at_ns IS NOT NULL AND flush_cause NOT IN ('retry', 'split') GROUP BY ALL
),
totals AS MATERIALIZED (
    SELECT run, at_ms, sum(sum(due)) OVER w AS due, sum(sum(over)) OVER w AS over, sum(sum(settled)) OVER w AS settled,
        sum(sum(settled_over)) OVER w AS settled_over, sum(sum(batches)) OVER w AS batches, sum(sum(by_size)) OVER w AS by_size,
        sum(sum(sent)) OVER w AS sent, sum(sum(wait_ns)) OVER w AS wait_ns
    FROM events GROUP BY run, at_ms
    WINDOW w AS (PARTITION BY run ORDER BY at_ms)
),
counters AS (SELECT run, at_ns, offered, dropped FROM samples),
looks AS (
    SELECT r.*, s.* EXCLUDE (run), s.at_ns // 1000000 - 1 AS now_ms, now_ms - p.slo_window_ms AS slo_from_ms, now_ms - p.metric_window_ms AS from_ms,
        s.at_ns - p.metric_window_ms * 1000000 AS from_ns,
        s.at_ns - p.slo_window_ms * 1000000 AS slo_from_ns, p.slo_window_ms, p.metric_window_ms
    FROM samples s JOIN roles r ON r.run = s.run, parameters p
    WHERE s.at_ns >= r.warmup_ns AND (r.to_ns IS NULL OR s.at_ns <= r.to_ns)
),
seen AS (
    SELECT
        l.run, l.is_simulated, l.is_test, l.is_healthy, l.fault_from_ns, l.at_ns,
        n.due - coalesce(o.settled, 0) AS counted,
        coalesce(n.over - coalesce(o.settled_over, 0) > greatest(counted - nearest_rank(counted::BIGINT, l.slo_ppm), 0), false) AS is_broken,
        l.depth_items::DOUBLE AS depth_items, l.oldest_age_ns / 1e6 AS oldest_age_ms, l.lag_items::DOUBLE AS lag_items,
        l.lag_items * l.slo_window_ms / nullif(l.offered - coalesce(f.offered, 0), 0) AS lag_ms,
        (l.dropped - coalesce(d.dropped, 0)) * 1e3 / l.metric_window_ms AS drop_rate_per_s,
        (n.by_size - coalesce(b.by_size, 0)) / nullif(n.batches - coalesce(b.batches, 0), 0) AS size_trigger_ratio,
        (n.wait_ns - coalesce(b.wait_ns, 0)) / nullif(n.sent - coalesce(b.sent, 0), 0) / 1e6 AS batch_wait_ms,
        l.rss_bytes::DOUBLE AS rss_bytes
    FROM looks l
    ASOF LEFT JOIN totals n ON n.run = l.run AND n.at_ms <= l.now_ms
    ASOF LEFT JOIN totals o ON o.run = l.run AND o.at_ms <= l.slo_from_ms
    ASOF LEFT JOIN totals b ON b.run = l.run AND b.at_ms <= l.from_ms
    ASOF LEFT JOIN counters d ON d.run = l.run AND d.at_ns <= l.from_ns
    ASOF LEFT JOIN counters f ON f.run = l.run AND f.at_ns <= l.slo_from_ns
),
judged AS MATERIALIZED (
    SELECT *, max(is_broken) OVER (PARTITION BY run ORDER BY at_ns RANGE BETWEEN 1000000000 PRECEDING AND 1000000000 FOLLOWING) AS is_near_breach
    FROM seen
),
series AS MATERIALIZED (
    SELECT run, is_simulated, is_test, is_healthy, fault_from_ns, at_ns, is_near_breach, metric, value
    FROM (
        SELECT * EXCLUDE (counted, is_broken) FROM judged
    ) UNPIVOT INCLUDE NULLS (value FOR metric IN (depth_items, oldest_age_ms, lag_items, lag_ms, drop_rate_per_s, size_trigger_ratio, batch_wait_ms, rss_bytes))
),
metrics AS (
    SELECT is_simulated, metric, count(value) AS value_count,
        count(value) FILTER (is_healthy AND NOT is_test AND NOT is_near_breach) AS healthy_count,
        max(value) FILTER (NOT is_healthy) AS faulty_max
    FROM series GROUP BY ALL
),
-- From one look to the next, where the metric rose: a threshold in [lower, upper) makes an alarm of it.
rises AS (
    SELECT run, is_simulated, is_test, metric, coalesce(before, '-inf'::DOUBLE) AS lower, value AS upper
    FROM (
        SELECT *, lag(value) OVER (PARTITION BY run, metric ORDER BY at_ns) AS before FROM series WHERE is_healthy AND NOT is_near_breach
    )
    WHERE value IS NOT NULL AND (before IS NULL OR value > before)
),
minutes AS (
    SELECT is_simulated, is_test, sum(seconds) / 60 AS healthy_min
    FROM (
        SELECT run, is_simulated, is_test, count(*) FILTER (NOT is_near_breach) * (max(at_ns) - min(at_ns)) / 1e9 / count(*) AS seconds
        FROM judged WHERE is_healthy GROUP BY ALL
    ) GROUP BY ALL
),
alarm_counts AS (
    SELECT is_simulated, metric, value, sum(sum(step)) OVER (PARTITION BY is_simulated, metric ORDER BY value) AS alarm_count
    FROM (
        SELECT is_simulated, metric, lower AS value, 1 AS step FROM rises WHERE NOT is_test
        UNION ALL SELECT is_simulated, metric, upper, -1 FROM rises WHERE NOT is_test
    )
    GROUP BY is_simulated, metric, value
),
-- The values count from one to the next higher: the lowest threshold is the value after the last that gives too many.
thresholds AS (
    SELECT a.is_simulated, a.metric,
        min(a.value) FILTER (a.value > coalesce(t.last_too_low, '-inf'::DOUBLE) AND isfinite(a.value)) AS threshold
    FROM alarm_counts a
    LEFT JOIN (
        SELECT c.is_simulated, c.metric, max(c.value) AS last_too_low
        FROM alarm_counts c JOIN minutes m ON m.is_simulated = c.is_simulated AND NOT m.is_test, parameters p
        WHERE c.alarm_count > floor(m.healthy_min * p.alarms_per_min + 1e-9)
        GROUP BY ALL
    ) t ON t.is_simulated = a.is_simulated AND t.metric = a.metric
    GROUP BY ALL
),
false_alarms AS (
    SELECT r.is_simulated, r.metric, count(*) AS alarm_count
    FROM rises r JOIN thresholds t ON t.is_simulated = r.is_simulated AND t.metric = r.metric
    WHERE r.is_test AND r.lower <= t.threshold AND r.upper > t.threshold
    GROUP BY ALL
),
breaches AS (
    SELECT run, is_simulated, is_test, min(at_ns) FILTER (is_broken AND at_ns >= fault_from_ns) AS breach_ns,
        coalesce(bool_or(is_broken) FILTER (at_ns < fault_from_ns AND at_ns >= fault_from_ns - 1000000000), false)
            OR coalesce(breach_ns <= min(at_ns) FILTER (at_ns >= fault_from_ns), true) AS is_left_out
    FROM judged WHERE NOT is_healthy GROUP BY ALL
),
leads AS (
    SELECT b.run, b.is_simulated, b.is_test, t.metric,
        (b.breach_ns - min(s.at_ns) FILTER (s.value > t.threshold AND s.at_ns >= s.fault_from_ns)) / 1e6 AS lead_ms
    FROM breaches b
    JOIN series s ON s.run = b.run
    JOIN thresholds t ON t.is_simulated = b.is_simulated AND t.metric = s.metric
    WHERE NOT b.is_left_out AND t.threshold IS NOT NULL
    GROUP BY b.run, b.is_simulated, b.is_test, t.metric, b.breach_ns
),
scores AS (
    SELECT is_simulated, metric,
        count(*) FILTER (NOT is_test) AS train_run_count,
        count(*) FILTER (NOT is_test AND coalesce(lead_ms < 0, true)) AS train_miss_count,
        median(greatest(coalesce(lead_ms, 0), 0)) FILTER (NOT is_test) AS train_lead_p50_ms,
        count(*) FILTER (is_test) AS test_run_count,
        count(*) FILTER (is_test AND coalesce(lead_ms < 0, true)) AS test_miss_count,
        median(greatest(coalesce(lead_ms, 0), 0)) FILTER (is_test) AS test_lead_p50_ms,
        min(lead_ms) FILTER (is_test AND lead_ms >= 0) AS test_lead_min_ms,
        max(lead_ms) FILTER (is_test AND lead_ms >= 0) AS test_lead_max_ms
    FROM leads GROUP BY ALL
),
left_out AS (SELECT is_simulated, count(*) FILTER (is_left_out) AS left_out_count FROM breaches GROUP BY ALL),
rows_found AS (
    SELECT
        m.is_simulated, m.metric, t.threshold,
        s.test_lead_p50_ms, s.test_lead_min_ms, s.test_lead_max_ms, s.test_miss_count, s.test_run_count,
        CASE WHEN t.threshold IS NOT NULL THEN coalesce(f.alarm_count, 0) / nullif(h.healthy_min, 0) END AS healthy_alarms_per_min,
        h.healthy_min AS healthy_test_min,
        s.train_lead_p50_ms, s.train_miss_count, s.train_run_count,
        coalesce(l.left_out_count, 0) AS left_out_count,
        CASE WHEN m.value_count = 0 THEN 'not measured in these runs'
             WHEN m.healthy_count = 0 THEN 'no healthy train run has it'
             WHEN coalesce(s.train_run_count, 0) = 0 THEN 'no train run with a fault broke the SLO'
             WHEN m.faulty_max <= t.threshold THEN 'never above its threshold in a run with a fault' END AS why
    FROM metrics m
    LEFT JOIN thresholds t ON t.is_simulated = m.is_simulated AND t.metric = m.metric
    LEFT JOIN scores s ON s.is_simulated = m.is_simulated AND s.metric = m.metric
    LEFT JOIN false_alarms f ON f.is_simulated = m.is_simulated AND f.metric = m.metric
    LEFT JOIN minutes h ON h.is_simulated = m.is_simulated AND h.is_test
    LEFT JOIN left_out l ON l.is_simulated = m.is_simulated
)
SELECT
    CASE WHEN why IS NULL THEN row_number() OVER (PARTITION BY is_simulated, why IS NULL
        ORDER BY train_miss_count, train_lead_p50_ms DESC, metric) END AS rank,
    metric, CASE WHEN is_simulated THEN 'simulated' ELSE 'live' END AS clock, * EXCLUDE (metric, is_simulated)
FROM rows_found
ORDER BY clock DESC, rank NULLS LAST, metric;
