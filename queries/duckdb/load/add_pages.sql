-- name:    add_pages
-- asks:    keep the batch's page events that the store does not know yet; of repeats the first
insert into page_events
select s.event_id, make_timestamp(s.at_us), s.phase, s.experiment, s.variation,
       s.user_key, s.session_key, s.transaction_key, s.verified, s.future
from batch_pages() s
anti join known_pages on known_pages.event_id = s.event_id
where s.again = 0
