-- Question: was the redrive that was started again really killed in the middle?
-- Grain: one row a restarted redrive. value: share of the curable ids that the store held already when it was opened again; NULL where the
-- run before it was not killed.
SELECT r.run, r.variant, r.repeat, any_value(k.status_reason) AS killed_reason,
    CASE WHEN any_value(k.status) = 'crashed' THEN count(h.item_id) / count(*) END AS value,
    CASE WHEN value IS NULL THEN 'the run of stage `killed` was not killed' END AS why
FROM runs r
JOIN runs i ON i.stage = 'ingest' AND i.variant = r.variant AND i.repeat = r.repeat
JOIN faults f ON f.run = i.run AND f.kind = 'too_new'
LEFT JOIN runs k ON k.stage = 'killed' AND k.variant = r.variant AND k.repeat = r.repeat
LEFT JOIN held_before h ON h.run = r.run AND h.item_id = f.item_id
WHERE r.stage = 'redrive' AND r.variant = 'killed_and_restarted'
GROUP BY r.run, r.variant, r.repeat
ORDER BY r.run;
