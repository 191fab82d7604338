-- name:    page_conflicts
-- asks:    how many page events of the batch differ from what is kept under their id?
-- params:  $at_from BIGINT, $at_until BIGINT (microseconds, inclusive)
-- columns: n BIGINT
with kept as (
    select event_id, content from page_events
    where at_utc >= make_timestamp($at_from) and at_utc <= make_timestamp($at_until)
)
select count(*) as n from stage_pages s join kept on kept.event_id = s.event_id where kept.content <> s.content
