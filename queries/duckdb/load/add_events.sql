-- name:    add_events
-- asks:    keep the batch's events that the store does not know yet; of repeats the first
-- It neither sorts nor joins with the store: the batch comes in order, and find_events has done the search.
insert into events
select s.log_id, make_timestamp(s.at_us), make_timestamp(s.assigned_us),
       make_timestamp(nullif(s.logged_us, 0)), s.shape, s.experiment, s.user_key, s.session_key, s.transaction_key
from batch_events() s
anti join known_events on known_events.log_id = s.log_id
where s.again = 0
