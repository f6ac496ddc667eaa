-- Question: what did the chosen window keep on loads that it was not tuned on?
-- Grain: one row, over the stages `validate …`; none without a recorded percentile there. validated_ms: the largest of a run. Units: ms.
SELECT max(v.value_ms) AS validated_ms, count(*) AS validated_count, list(r.run ORDER BY r.run) AS runs
FROM runs r JOIN verdicts v ON v.run = r.run
WHERE r.stage LIKE 'validate %' AND v.value_ms IS NOT NULL
HAVING count(*) > 0;
