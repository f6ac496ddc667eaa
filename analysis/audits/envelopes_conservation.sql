-- Claim: every compressed envelope has one fate: ids are dense (0..m-1), none is there twice, as many were accepted, rejected and unoffered
-- as the manifest counted; the items of an accepted (or unoffered) one are the item rows that name it, with the ids it says; a rejected
-- one has no item rows, a reason, and its body among the dead letters, byte for byte as long as it came.
-- Returns offending rows; none means that it holds. Grain: one row per run, problem and envelope (NULL: of the run as a whole).
-- Of a run that was killed the last second of either table may be missing: for it this audit lists what is lost.
WITH
named AS (
    SELECT run, envelope_id, count(*) AS item_count, min(item_id) AS first_item_id, max(item_id) AS last_item_id
    FROM items WHERE envelope_id IS NOT NULL GROUP BY ALL
),
counted AS (
    SELECT run, unnest(['accepted', 'rejected', 'unoffered']) AS outcome,
        unnest([(manifest ->> '$.envelopes.accepted')::BIGINT, (manifest ->> '$.envelopes.rejected')::BIGINT,
            (manifest ->> '$.envelopes.unoffered')::BIGINT]) AS expected
    FROM runs WHERE manifest ->> '$.envelopes.accepted' IS NOT NULL
),
found AS (SELECT run, outcome, count(*) AS n FROM envelopes GROUP BY ALL),
kept AS (SELECT run, envelope_id, count(*) AS n, min(octet_length(body)) AS body_bytes FROM envelope_dead_letters GROUP BY ALL)
SELECT run, 'repeated envelope' AS problem, envelope_id, 1::BIGINT AS expected, count(*) AS found
FROM envelopes GROUP BY run, envelope_id HAVING count(*) > 1
UNION ALL
SELECT run, 'missing envelopes', NULL, max(envelope_id) + 1, count(DISTINCT envelope_id)
FROM envelopes GROUP BY run HAVING max(envelope_id) + 1 <> count(DISTINCT envelope_id)
UNION ALL
SELECT c.run, format('{} envelopes differ from the manifest', c.outcome), NULL, c.expected, coalesce(f.n, 0)
FROM counted c LEFT JOIN found f ON f.run = c.run AND f.outcome = c.outcome
WHERE c.expected <> coalesce(f.n, 0)
UNION ALL
SELECT e.run, 'items of an envelope that was not rejected', e.envelope_id, e.item_count, coalesce(n.item_count, 0)
FROM envelopes e LEFT JOIN named n ON n.run = e.run AND n.envelope_id = e.envelope_id
WHERE e.outcome <> 'rejected' AND (coalesce(n.item_count, 0) <> coalesce(e.item_count, 0)
    OR n.first_item_id <> e.first_item_id OR n.last_item_id <> e.first_item_id + e.item_count - 1)
UNION ALL
SELECT n.run, 'items of an envelope that was rejected or has no row', n.envelope_id, 0, n.item_count
FROM named n LEFT JOIN envelopes e ON e.run = n.run AND e.envelope_id = n.envelope_id
WHERE e.envelope_id IS NULL OR e.outcome = 'rejected'
UNION ALL
SELECT e.run, 'rejected without a reason', e.envelope_id, 1, 0
FROM envelopes e WHERE e.outcome = 'rejected' AND e.reason IS NULL
UNION ALL
SELECT coalesce(e.run, k.run), 'rejected envelope and dead letter differ', coalesce(e.envelope_id, k.envelope_id), e.body_bytes, k.body_bytes
FROM (FROM envelopes WHERE outcome = 'rejected') e
FULL JOIN kept k ON k.run = e.run AND k.envelope_id = e.envelope_id
WHERE e.run IS NULL OR k.run IS NULL OR k.n <> 1 OR k.body_bytes <> e.body_bytes
ORDER BY run, problem, envelope_id;
