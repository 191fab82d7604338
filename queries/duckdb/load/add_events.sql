-- name:    add_events
-- asks:    keep the batch's events that the store does not know yet; of repeats the first
-- It neither sorts nor joins with the store: staging has put the rows in order, and find_events has done the search.
insert into events
select s.log_id, s.content, s.at_utc, s.assigned_utc, nullif(s.logged_utc, timestamp 'epoch'),
       s.type, s.client, s.connection, s.strategy, s.device,
       s.experiment, s.variation, s.allocation, s.segment, s.authenticator,
       s.user_key, s.session_key, s.transaction_key, s.control, s.interactive, s.passkey_used, s.test
from stage_events s
anti join known_events on known_events.log_id = s.log_id
where s.again = 0
