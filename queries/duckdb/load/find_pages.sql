-- name:    find_pages
-- asks:    note which of the batch's page events the store keeps already
-- params:  $at_from BIGINT, $at_until BIGINT (microseconds, inclusive)
-- A page event is searched by its date, a day to each side.
create temp table known_pages as
select event_id, content from page_events
semi join batch_pages() s on s.event_id = page_events.event_id
where at_utc >= make_timestamp($at_from) and at_utc <= make_timestamp($at_until)
