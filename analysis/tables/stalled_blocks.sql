-- Question: in which time blocks did the host keep the run waiting?
-- Grain: one row per run and time block that a stalled sampling interval touches: the blocks it overlaps and the one after, where the
-- backlog it left is worked off. Blocks are numbered as in verdict_blocks (the view time_blocks). No row for a calm run, or where the
-- samples hold no figure of the host.
-- An interval is stalled if a stall of `stall_ns` (default 5 ms) or more ended in it, if for `waited_ppm` (default 250000: a quarter) of it
-- some task of the host waited for a core, or if in it the disk had requests in flight and had completed none for `disk_stall_ns` (default
-- 30 ms) or more. It reaches back to the start of the stall, if that lies before the interval's own.
-- stall_max_ms, disk_stall_max_ms: the longest stall; waited_ratio: the largest share of an interval in which a task waited. NULL where not
-- measured: the disk only where something durable of the run lies on it.
WITH
intervals AS (
    SELECT
        run, at_ns AS to_ns, stall_max_ns, disk_stall_max_ns,
        least(coalesce(lag(at_ns) OVER w, at_ns), at_ns - coalesce(stall_max_ns, 0), at_ns - coalesce(disk_stall_max_ns, 0)) AS from_ns,
        (psi_cpu_some_us - lag(psi_cpu_some_us) OVER w) * 1000 / nullif(at_ns - lag(at_ns) OVER w, 0) AS waited_ratio
    FROM samples
    WINDOW w AS (PARTITION BY run ORDER BY at_ns)
),
touched AS (
    SELECT
        i.run, i.stall_max_ns, i.disk_stall_max_ns, i.waited_ratio, t.block_count,
        floor((i.from_ns - t.from_ns) / t.block_ns)::BIGINT AS first_block,
        floor((i.to_ns - t.from_ns) / t.block_ns)::BIGINT + 1 AS last_block
    FROM intervals i JOIN time_blocks t ON t.run = i.run
    WHERE i.stall_max_ns >= coalesce(getvariable('stall_ns')::BIGINT, 5000000)
        OR i.disk_stall_max_ns >= coalesce(getvariable('disk_stall_ns')::BIGINT, 30000000)
        OR i.waited_ratio * 1000000 >= coalesce(getvariable('waited_ppm')::BIGINT, 250000)
),
blocks AS (
    SELECT run, stall_max_ns, disk_stall_max_ns, waited_ratio,
        unnest(range(greatest(least(first_block, 4 * block_count - 1), 0), least(last_block, 4 * block_count - 1) + 1)) AS block
    FROM touched
)
SELECT run, block::INTEGER AS block, max(stall_max_ns) / 1e6 AS stall_max_ms, max(disk_stall_max_ns) / 1e6 AS disk_stall_max_ms,
    max(waited_ratio) AS waited_ratio
FROM blocks
GROUP BY ALL
ORDER BY run, block;
