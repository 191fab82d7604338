-- name:    gaps
-- asks:    which stretches do the sources no longer hold?
-- columns: source VARCHAR, from_us BIGINT, until_us BIGINT, noticed_us BIGINT, position VARCHAR
select source, from_us, until_us, noticed_us, position from gaps order by all
