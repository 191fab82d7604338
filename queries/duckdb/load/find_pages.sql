-- name:    find_pages
-- asks:    note which of the batch's page events the store keeps already, and which of those differ from what is kept
-- params:  $at_from BIGINT, $at_until BIGINT (microseconds, inclusive)
-- A page event is searched by its date, a day to each side. Whether it lies in the future depends on when it came.
create temp table known_pages as
select s.n, s.part, s.again, s.event_id,
       kept.at_utc <> make_timestamp(s.at_us) or kept.phase <> s.phase or kept.experiment <> s.experiment
       or kept.variation <> s.variation or kept.user_key <> s.user_key or kept.session_key <> s.session_key
       or kept.transaction_key <> s.transaction_key or kept.verified <> s.verified as differs
from page_events kept
join batch_pages() s on s.event_id = kept.event_id
where kept.at_utc >= make_timestamp($at_from) and kept.at_utc <= make_timestamp($at_until)
