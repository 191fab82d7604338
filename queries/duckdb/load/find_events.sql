-- name:    find_events
-- asks:    note which of the batch's events the store keeps already
-- params:  $logged_from BIGINT, $logged_until BIGINT, $at_from BIGINT, $at_until BIGINT (microseconds, inclusive)
-- A log_id that holds a time always holds the same one, so that time bounds the search exactly; the others are
-- searched by date, a day to each side. Rows of other days are passed over unread, which keeps the cost flat.
create temp table known_events as
select log_id, content from (
    select log_id, content from events
    where logged_utc >= make_timestamp($logged_from) and logged_utc <= make_timestamp($logged_until)
    union all
    select log_id, content from events
    where logged_utc is null and at_utc >= make_timestamp($at_from) and at_utc <= make_timestamp($at_until)
) kept
semi join batch_events() s on s.log_id = kept.log_id
