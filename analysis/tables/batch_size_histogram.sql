-- Question: how big were the batches, and which trigger closed them?
-- Grain: one row per run, size bin and flush cause; every send attempt counts, a retry under the cause `retry`.
-- Bins: 1, 2, 3-4, 5-8, ... (upper ends are powers of two). While one window.max_size held for the whole run, exactly max_size is a
-- bin of its own, and the bin around it ends just below. Sizes in items. Parameters: none.
WITH
fixed_window AS (
    SELECT run, CASE WHEN min(window_max_size) = max(window_max_size) THEN max(window_max_size) END AS max_size
    FROM batches GROUP BY run
),
binned AS (
    SELECT
        b.run, b.flush_cause, b.item_count, coalesce(b.item_count = w.max_size, false) AS is_full, w.max_size,
        CASE WHEN is_full THEN b.item_count WHEN b.item_count <= 1 THEN b.item_count
             ELSE (1 << ceil(log2(b.item_count) - 1e-12)::INTEGER) // 2 + 1 END AS bin_low,
        CASE WHEN is_full THEN b.item_count WHEN b.item_count <= 1 THEN b.item_count
             ELSE 1 << ceil(log2(b.item_count) - 1e-12)::INTEGER END AS bin_end
    FROM batches b JOIN fixed_window w ON w.run = b.run
)
SELECT
    run,
    bin_low::BIGINT AS bin_low,
    (CASE WHEN NOT is_full AND bin_low < max_size AND max_size <= bin_end THEN max_size - 1 ELSE bin_end END)::BIGINT AS bin_high,
    is_full,
    flush_cause,
    count(*) AS batch_count,
    sum(item_count)::BIGINT AS item_count
FROM binned
GROUP BY ALL
ORDER BY run, bin_low, flush_cause;
