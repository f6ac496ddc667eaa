-- Claim: an item's instants are in order: intended <= offered <= admitted <= first_sent <= sent <= settled, where reached.
-- In a `saturate` run an item is intended when it is admitted: there the offer may come before.
-- Returns offending rows; none means that it holds. Grain: one row per item. Instants in ns from the run's start.
SELECT run, item_id, outcome, intended_at_ns, offered_at_ns, admitted_at_ns, first_sent_at_ns, sent_at_ns, settled_at_ns
FROM items
WHERE (intended_at_ns > offered_at_ns AND run NOT IN (SELECT run FROM runs WHERE is_saturate))
   OR coalesce(offered_at_ns, intended_at_ns) > admitted_at_ns
   OR coalesce(admitted_at_ns, offered_at_ns, intended_at_ns) > first_sent_at_ns
   OR coalesce(first_sent_at_ns, admitted_at_ns, offered_at_ns, intended_at_ns) > sent_at_ns
   OR coalesce(sent_at_ns, first_sent_at_ns, admitted_at_ns, offered_at_ns, intended_at_ns) > settled_at_ns
ORDER BY run, item_id;
