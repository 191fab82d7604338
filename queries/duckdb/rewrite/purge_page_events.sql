-- name:    purge_page_events
-- asks:    keep what is not older than the limit
-- params:  $before_us BIGINT (exclusive)
insert into fresh.page_events
select * from store.page_events where at_utc >= make_timestamp($before_us)
