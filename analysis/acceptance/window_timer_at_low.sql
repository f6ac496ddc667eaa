-- Question: at low load, is it the timer that closes batches?
-- Grain: one row a run of the stage `validate low`. value: share of batches that were closed for their age (or, without a wait, as soon as
-- a worker was free), after the warm-up.
SELECT r.run, r.repeat, count(*) AS batch_count, avg((b.flush_cause = 'age')::INTEGER) AS value
FROM runs r
JOIN batches b ON b.run = r.run
WHERE r.stage = 'validate low' AND b.closed_at_ns BETWEEN r.warmup_ns AND r.load_ended_at_ns
GROUP BY r.run, r.repeat
ORDER BY r.repeat;
