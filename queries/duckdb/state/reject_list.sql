-- name:    reject_list
-- asks:    which records were put aside last?
-- params:  $max BIGINT
-- columns: record UBIGINT, source VARCHAR, place VARCHAR, reason VARCHAR, detail VARCHAR, bytes BIGINT, at_us BIGINT,
--          dated_us BIGINT, kind VARCHAR
select record, source, place, reason, detail, bytes, at_us, dated_us, kind from rejects
order by at_us desc, source, rowid desc limit $max
