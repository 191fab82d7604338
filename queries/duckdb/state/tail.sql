-- name:    tail
-- asks:    which rows are the last ones of the first $events events and of the first $pages page events?
-- params:  $events BIGINT, $pages BIGINT
-- columns: hash VARCHAR
-- A hash of the last 2,048 of each. It is another one when rows that were there were lost, with a log beside the store or
-- to a backup that was put in its place, and others were stored since.
select (select coalesce(bit_xor(hash(e.rowid, e.log_id)), 0::ubigint) from events e where e.rowid >= $events - 2048 and e.rowid < $events)::varchar
       || ' ' ||
       (select coalesce(bit_xor(hash(p.rowid, p.event_id)), 0::ubigint) from page_events p where p.rowid >= $pages - 2048 and p.rowid < $pages)::varchar
       as hash
