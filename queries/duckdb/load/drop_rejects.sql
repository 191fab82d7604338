-- name:    drop_rejects
-- asks:    take records off the list of what was put aside
-- params:  $records VARCHAR[] (keyed hashes, in decimal digits)
delete from rejects where record in (select unnest($records)::ubigint)
