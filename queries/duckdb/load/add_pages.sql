-- name:    add_pages
-- asks:    keep the batch's page events that the store does not know yet
-- params:  $at_from BIGINT, $at_until BIGINT (microseconds, inclusive)
-- As add_events; a page event is searched by its date, a day to each side.
with repeated as (
    select event_id, min(rowid) as first from stage_pages group by event_id having count(*) > 1
), known as (
    select event_id from page_events
    where at_utc >= make_timestamp($at_from) and at_utc <= make_timestamp($at_until)
)
insert into page_events
select s.event_id, s.content, make_timestamp(s.at_us), s.phase, s.experiment, s.variation,
       s.user_key, s.session_key, s.transaction_key, s.verified, s.future
from stage_pages s
left join repeated on repeated.event_id = s.event_id
anti join known on known.event_id = s.event_id
where repeated.first is null or repeated.first = s.rowid
order by s.experiment, s.variation, s.at_us
