-- Question: how long did each item take in one run and in another that saw the same arrivals?
-- Grain: one row an item that both runs kept and that is due after the warm-up. Unit: ns. Parameters: run_a, run_b, runs.warmup_ns.
-- An unsettled item counts with its age at its run's end.
SELECT a.intended_at_ns, a.response_ns AS a_response_ns, b.response_ns AS b_response_ns
FROM (SELECT item_id, intended_at_ns, response_ns FROM responses WHERE run = getvariable('run_a') AND response_ns IS NOT NULL) a
JOIN (SELECT item_id, response_ns FROM responses WHERE run = getvariable('run_b') AND response_ns IS NOT NULL) b ON b.item_id = a.item_id;
