-- Question: how deep was the queue over time, and at its deepest?
-- Grain: one row per run and bin of time, equal bins from the run's start to its end (or just past it). Parameter: bin_count (default 200).
-- Units: items, ms. at_ms: the bin's end. depth_max: the greatest depth within the bin, depth_end: at its end. peak_depth: the run's
-- greatest, peak_at_ms: an instant at which the queue stood there. All exact, from the items' instants (samples miss bursts): an item
-- enters when it is admitted and leaves when it is first sent, or settled without that (evicted). What happens in one instant counts as
-- one step. No row without an admitted item.
-- In bounded memory: depths are known at the ends of some million slots; only in slots that could hold a greater depth than those
-- (what stood there + what came) is it followed instant by instant.
WITH
extents AS (SELECT run, max(greatest(last_due_ns, coalesce(settled_at_ns, 0))) AS last_ns FROM fates GROUP BY run),
measured AS (
    -- Slots are 2^k ns long, 4096 a bin or more, so that a bin can be a whole number of them.
    SELECT r.run, coalesce(getvariable('bin_count')::BIGINT, 200) AS bins, greatest(coalesce(r.ended_at_ns, e.last_ns), 1) AS end_ns,
        greatest(floor(log2(end_ns / (bins * 4096))), 0)::BIGINT AS k,
        ((end_ns >> k) // bins + 1)::BIGINT AS slots_a_bin
    FROM runs r JOIN extents e ON e.run = r.run
),
grids AS MATERIALIZED (SELECT * FROM measured),
-- By way of a map: a look-up once per 2,048 items.
widths AS (SELECT by_run(list((run, k))) AS k FROM grids),
flows AS (
    SELECT run, slot, sum(came)::BIGINT AS came, sum(came - went)::BIGINT AS gained
    FROM (
        SELECT run, admitted_at_ns >> (SELECT k FROM widths)[run] AS slot, count(*) AS came, 0 AS went
        FROM items WHERE admitted_at_ns IS NOT NULL GROUP BY ALL
        UNION ALL
        SELECT run, coalesce(first_sent_at_ns, settled_at_ns) >> (SELECT k FROM widths)[run] AS slot, 0, sum(admitted_count)
        FROM fates
        WHERE admitted_count > 0 AND coalesce(first_sent_at_ns, settled_at_ns) IS NOT NULL GROUP BY ALL
    )
    GROUP BY ALL
),
slots AS MATERIALIZED (
    SELECT *, depth_end - gained AS depth_start, max(greatest(depth_end, depth_end - gained)) OVER (PARTITION BY run, bin) AS known_max,
        max(depth_end) OVER (PARTITION BY run) AS known_peak
    FROM (
        SELECT f.run, f.slot, f.came, f.gained, least(f.slot // g.slots_a_bin, g.bins - 1)::INTEGER AS bin,
            (sum(f.gained) OVER (PARTITION BY f.run ORDER BY f.slot))::BIGINT AS depth_end
        FROM flows f JOIN grids g ON g.run = f.run
    )
),
doubtful AS (
    SELECT run, slot, bin, depth_start FROM slots WHERE depth_start + came > known_max
    UNION
    SELECT run, min(slot), arg_min(bin, slot), arg_min(depth_start, slot) FROM slots WHERE depth_end = known_peak GROUP BY run
),
looked_into AS MATERIALIZED (SELECT unnest(rows, recursive := true) FROM (SELECT list(d) AS rows FROM doubtful d)),
-- By the slot alone, which is quicker: what other runs have in slots of the same number goes with the join below.
steps AS (
    SELECT run, slot, at_ns, sum(n) AS n
    FROM (
        SELECT run, admitted_at_ns >> (SELECT k FROM widths)[run] AS slot, admitted_at_ns AS at_ns, count(*) AS n
        FROM items WHERE admitted_at_ns >> (SELECT k FROM widths)[run] IN (SELECT slot FROM looked_into) GROUP BY ALL
        UNION ALL
        SELECT run, coalesce(first_sent_at_ns, settled_at_ns) >> (SELECT k FROM widths)[run] AS slot,
            coalesce(first_sent_at_ns, settled_at_ns) AS at_ns, -sum(admitted_count)
        FROM fates
        WHERE admitted_count > 0
            AND coalesce(first_sent_at_ns, settled_at_ns) >> (SELECT k FROM widths)[run] IN (SELECT slot FROM looked_into) GROUP BY ALL
    )
    GROUP BY ALL
),
inside AS (
    SELECT s.run, l.bin, s.at_ns,
        (l.depth_start + sum(s.n) OVER (PARTITION BY s.run, s.slot ORDER BY s.at_ns))::BIGINT AS depth
    FROM steps s JOIN looked_into l ON l.run = s.run AND l.slot = s.slot
),
found AS (SELECT run, bin, max(depth) AS depth_max, arg_max(at_ns, depth) AS at_ns FROM inside GROUP BY ALL),
by_bin AS (
    SELECT s.run, s.bin, greatest(any_value(s.known_max), coalesce(any_value(f.depth_max), 0)) AS depth_max,
        arg_max(s.depth_end, s.slot) AS depth_end
    FROM slots s LEFT JOIN found f ON f.run = s.run AND f.bin = s.bin
    GROUP BY ALL
),
peaks AS (SELECT run, max(depth_max) AS peak_depth, arg_max(at_ns, depth_max) AS peak_at_ns FROM found GROUP BY run)
SELECT
    g.run,
    (n.bin + 1) * (g.slots_a_bin << g.k) / 1e6 AS at_ms,
    -- A bin without a step stands at the depth that it found.
    coalesce(b.depth_max, last_value(b.depth_end IGNORE NULLS) OVER before, 0) AS depth_max,
    coalesce(last_value(b.depth_end IGNORE NULLS) OVER before, 0) AS depth_end,
    p.peak_depth,
    p.peak_at_ns / 1e6 AS peak_at_ms
FROM grids g
JOIN peaks p ON p.run = g.run
JOIN (SELECT unnest(range(coalesce(getvariable('bin_count')::BIGINT, 200)))::INTEGER AS bin) n ON true
LEFT JOIN by_bin b ON b.run = g.run AND b.bin = n.bin
WINDOW before AS (PARTITION BY g.run ORDER BY n.bin)
ORDER BY g.run, at_ms;
