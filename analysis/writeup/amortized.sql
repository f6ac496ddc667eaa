-- Question: which fixed cost did batching amortize at the same load, and by how much?
-- Grain: one row, over the pairs of the stage `same load` of before_after (the variants `per_item` and `batched`). None without both.
-- cost: the dearest of what the sink counts a batch: fsyncs, else round trips, else commits. before, after: per committed item, failed
-- attempts included. offered_per_s: of the batched runs. runs: the runs it rests on.
WITH paid AS (
    SELECT r.run, r.variant, r.sink, r.is_simulated, r.offered / (r.load_ended_at_ns / 1e9) AS offered_per_s,
        sum(b.fsyncs) AS fsyncs, sum(b.round_trips) AS round_trips, sum(b.commits) AS commits,
        coalesce(sum(b.item_count) FILTER (b.outcome = 'committed'), 0) AS committed_count, count(b.run) AS batch_count
    FROM runs r JOIN batches b ON b.run = r.run
    WHERE r.stage = 'same load' AND r.variant IN ('per_item', 'batched')
    GROUP BY ALL
),
sums AS (
    SELECT variant, any_value(sink) AS sink, bool_or(is_simulated) AS is_simulated, avg(offered_per_s) AS offered_per_s,
        sum(fsyncs) AS fsyncs, sum(round_trips) AS round_trips, sum(commits) AS commits,
        sum(committed_count) AS committed_count, sum(committed_count) / sum(batch_count) AS items_per_batch, list(run ORDER BY run) AS runs
    FROM paid GROUP BY variant
)
SELECT
    b.sink, b.is_simulated,
    CASE WHEN p.fsyncs > 0 THEN 'fsyncs' WHEN p.round_trips > 0 THEN 'round trips' ELSE 'commits' END AS cost,
    CASE cost WHEN 'fsyncs' THEN p.fsyncs WHEN 'round trips' THEN p.round_trips ELSE p.commits END / p.committed_count AS before,
    CASE cost WHEN 'fsyncs' THEN b.fsyncs WHEN 'round trips' THEN b.round_trips ELSE b.commits END / b.committed_count AS after,
    before / nullif(after, 0) AS amortized_ratio,
    b.items_per_batch,
    b.offered_per_s,
    list_concat(p.runs, b.runs) AS runs
FROM sums p JOIN sums b ON b.variant = 'batched'
WHERE p.variant = 'per_item' AND p.committed_count > 0 AND b.committed_count > 0;
