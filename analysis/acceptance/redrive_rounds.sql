-- Question: does the loop guard end what would go round for ever?
-- Grain: one row a redrive with dead letters that had had all their rounds (stage `again`). value: dead letters with redrive.max_rounds behind
-- them that were offered again all the same; NULL where none had.
SELECT r.run, r.variant, r.repeat, count(*) AS dead_letter_count,
    count(*) FILTER (d.plan = 'rounds_exhausted' AND i.outcome = 'dead_lettered' AND i.reason = 'redrive_rounds' AND i.batch_id IS NULL)
        AS parked_count,
    CASE WHEN parked_count > 0 THEN count(*) FILTER (i.sent_at_ns IS NOT NULL OR i.reason IS DISTINCT FROM 'redrive_rounds') END AS value,
    CASE WHEN value IS NULL THEN 'no dead letter had had its rounds' END AS why
FROM redriven d
JOIN runs r ON r.run = d.run
LEFT JOIN redriven_items i ON i.run = d.run AND i.item_id = d.item_id
WHERE r.stage = 'again'
GROUP BY r.run, r.variant, r.repeat
ORDER BY r.run;
