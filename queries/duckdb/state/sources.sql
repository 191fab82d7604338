-- name:    sources
-- asks:    what became of each source's records, and how far has it been read?
-- grain:   source
-- columns: source VARCHAR, position VARCHAR, watermark_us BIGINT, complete BOOLEAN, at_us BIGINT, runs BIGINT,
--          received BIGINT, stored BIGINT, duplicate BIGINT, filtered BIGINT, rejected BIGINT, conflicts BIGINT
select source, position, watermark_us, complete, at_us, runs, received, stored, duplicate, filtered, rejected, conflicts
from sources order by source
