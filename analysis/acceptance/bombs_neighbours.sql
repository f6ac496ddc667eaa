-- Question: are the bombs' neighbours unharmed?
-- Grain: one row a capped run, beside the control with the same codec and repeat (the same arrivals without bombs). value: p99 of the items'
-- response beside bombs ÷ (p99 of the control + 50 ms), a margin fixed here: a body is inflated up to the cap before it is refused, and who
-- comes behind it waits for that. p99: the percentile that the SLO names, of all kept items.
SELECT c.run, o.run AS other_run, c.variant, c.repeat, v.value_ms AS p99_ms, w.value_ms AS control_p99_ms,
    v.value_ms / (w.value_ms + 50) AS value,
    CASE WHEN v.value_ms IS NULL OR w.value_ms IS NULL THEN c.variant || ': no latency to compare' END AS why
FROM runs c
JOIN runs o ON o.variant = replace(c.variant, 'capped', 'control') AND o.repeat = c.repeat
JOIN verdicts v ON v.run = c.run
JOIN verdicts w ON w.run = o.run
WHERE c.variant LIKE 'capped%'
ORDER BY c.cell_number;
