-- Optional, after views.sql: counts what several tables need once a session and keeps it, so that they read the items no more.
-- Worth it from some 10 M items. Read views.sql again, and this after it, when `runs`, `warmup_ns` or `block_count` have changed.
--
--   duckdb -init analysis/views.sql -cmd ".read analysis/counted_once.sql"

CREATE OR REPLACE TEMP TABLE counted_item_groups AS FROM item_groups;
SET VARIABLE item_groups_from = 'counted';
CREATE OR REPLACE TEMP TABLE counted_latency_histogram AS FROM latency_histogram;
SET VARIABLE latency_histogram_from = 'counted';
