-- name:    old_rows
-- asks:    how many rows are older than the limit?
-- params:  $before_us BIGINT (exclusive)
-- columns: events BIGINT, pages BIGINT
select (select count(*) from store.events where at_utc < make_timestamp($before_us)) as events,
       (select count(*) from store.page_events where at_utc < make_timestamp($before_us)) as pages
