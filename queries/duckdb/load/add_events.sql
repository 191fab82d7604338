-- name:    add_events
-- asks:    keep the batch's events that the store does not know yet
-- params:  $logged_from BIGINT, $logged_until BIGINT, $at_from BIGINT, $at_until BIGINT (microseconds, inclusive)
-- Of repeats inside the batch the first stays. A log_id that holds a time always holds the same one, so
-- that time bounds the search for known rows exactly; the others are searched by date, a day to each side.
with repeated as (
    select log_id, min(rowid) as first from stage_events group by log_id having count(*) > 1
), known as (
    select log_id from events
    where logged_utc >= make_timestamp($logged_from) and logged_utc <= make_timestamp($logged_until)
    union all
    select log_id from events
    where logged_utc is null and at_utc >= make_timestamp($at_from) and at_utc <= make_timestamp($at_until)
)
insert into events
select s.log_id, s.content, make_timestamp(s.at_us), make_timestamp(s.assigned_us),
       case when s.logged_us <> 0 then make_timestamp(s.logged_us) end,
       s.type, s.client, s.connection, s.strategy, s.device,
       s.experiment, s.variation, s.allocation, s.segment, s.authenticator,
       s.user_key, s.session_key, s.transaction_key, s.control, s.interactive, s.passkey_used, s.test
from stage_events s
left join repeated on repeated.log_id = s.log_id
anti join known on known.log_id = s.log_id
where repeated.first is null or repeated.first = s.rowid
order by s.experiment, s.variation, s.at_us
