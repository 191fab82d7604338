-- name:    purge_events
-- asks:    keep what is not older than the limit
-- params:  $before_us BIGINT (exclusive)
insert into fresh.events
select * from store.events where at_utc >= make_timestamp($before_us)
