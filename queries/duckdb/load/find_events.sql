-- name:    find_events
-- asks:    note which of the batch's events the store keeps already, and which of those differ from what is kept
-- params:  $logged_from BIGINT, $logged_until BIGINT, $at_from BIGINT, $at_until BIGINT (microseconds, inclusive)
-- A log_id that holds a time always holds the same one, so that time bounds the search exactly; the others are
-- searched by date, a day to each side. Rows of other days are passed over unread, which keeps the cost flat.
-- Two shapes that differ only in what the settings say of an address, twins, tell the same.
create temp table known_events as
select s.n, s.part, s.again, s.log_id,
       kept.at_utc <> make_timestamp(s.at_us) or kept.assigned_utc <> make_timestamp(s.assigned_us)
       or kept.shape not in (s.shape, s.twin) or kept.user_key <> s.user_key or kept.session_key <> s.session_key
       or kept.transaction_key <> s.transaction_key as differs
from (
    select log_id, at_utc, assigned_utc, shape, user_key, session_key, transaction_key from events
    where logged_utc >= make_timestamp($logged_from) and logged_utc <= make_timestamp($logged_until)
    union all
    select log_id, at_utc, assigned_utc, shape, user_key, session_key, transaction_key from events
    where logged_utc is null and at_utc >= make_timestamp($at_from) and at_utc <= make_timestamp($at_until)
) kept
join batch_events() s on s.log_id = kept.log_id
