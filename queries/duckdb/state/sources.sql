-- name:    sources
-- asks:    what became of each source's records, and how far has it been read?
-- grain:   source
-- columns: source VARCHAR, position VARCHAR, watermark_us BIGINT, complete BOOLEAN, at_us BIGINT, runs BIGINT,
--          received BIGINT, stored BIGINT, duplicate BIGINT, filtered BIGINT, rejected BIGINT, conflicts BIGINT
select source, coalesce(position, '') as position, coalesce(watermark_us, 0) as watermark_us,
       coalesce(complete, false) as complete, coalesce(at_us, 0) as at_us,
       coalesce(runs, 0) as runs, coalesce(received, 0) as received, coalesce(stored, 0) as stored,
       coalesce(duplicate, 0) as duplicate, coalesce(a.filtered, 0) as filtered, coalesce(rejected, 0) as rejected,
       coalesce(conflicts, 0) as conflicts
from cursors full join accounts a using (source)
order by source
