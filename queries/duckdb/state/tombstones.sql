-- name:    tombstones
-- asks:    which hashes are of forgotten people, their sessions and transactions?
-- columns: mark UBIGINT
select mark from tombstones order by mark
