-- Question: does the SLO constrain the choice at all? One item a batch and some other window have to break it under some load.
-- Grain: one row. value: 1 if both do; NULL (and `why`) if not, for then a choice of a window proves nothing.
WITH broken AS (
    SELECT r.run, r.window_max_size
    FROM runs r
    JOIN verdicts v ON v.run = r.run
    WHERE r.stage LIKE 'tune %' AND v.result = 'FAIL'
)
SELECT
    (SELECT count(DISTINCT window_max_size) FROM runs WHERE stage LIKE 'tune %') AS size_count,
    count(*) FILTER (window_max_size = 1) AS per_item_broken_count,
    count(*) FILTER (window_max_size > 1) AS other_broken_count,
    CASE WHEN per_item_broken_count > 0 AND other_broken_count > 0 THEN 1 END AS value,
    CASE WHEN value IS NULL THEN 'the SLO does not constrain: '
        || CASE WHEN per_item_broken_count = 0 THEN 'one item a batch keeps it too' ELSE 'every other window keeps it' END END AS why
FROM broken
HAVING size_count > 0;
