-- name:    totals
-- asks:    how many events of each kind are stored?
-- columns: events BIGINT, pages BIGINT
select (select count(*) from events) as events, (select count(*) from page_events) as pages
