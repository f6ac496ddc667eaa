-- Question: was every bomb rejected?
-- Grain: one row a capped run with bombs. value: bombs rejected ÷ bombs offered; NULL where none came.
SELECT r.run, r.variant, r.repeat, count(e.envelope_id) AS bombs, count(*) FILTER (e.outcome = 'rejected') AS rejected,
    CASE WHEN count(e.envelope_id) > 0 THEN count(*) FILTER (e.outcome = 'rejected') / count(e.envelope_id) END AS value,
    CASE WHEN count(e.envelope_id) = 0 THEN r.variant || ': no bomb came' END AS why
FROM runs r LEFT JOIN envelopes e ON e.run = r.run AND e.is_bomb
WHERE r.variant LIKE 'capped%'
GROUP BY r.run, r.variant, r.repeat, r.cell_number
ORDER BY r.cell_number;
