-- name:    event_conflicts
-- asks:    how many events of the batch differ from what is kept under their log_id?
-- params:  $logged_from BIGINT, $logged_until BIGINT, $at_from BIGINT, $at_until BIGINT (microseconds, inclusive)
-- columns: n BIGINT
-- Asked after add_events, when each of the batch's log_ids is kept once.
with kept as (
    select log_id, content from events
    where logged_utc >= make_timestamp($logged_from) and logged_utc <= make_timestamp($logged_until)
    union all
    select log_id, content from events
    where logged_utc is null and at_utc >= make_timestamp($at_from) and at_utc <= make_timestamp($at_until)
)
select count(*) as n from stage_events s join kept on kept.log_id = s.log_id where kept.content <> s.content
