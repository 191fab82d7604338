-- name:    turn_events
-- asks:    keep the rows under their new pseudonyms
-- The hash of what was kept is of the old ones; 0 says that it is not known.
insert into fresh.events
select * replace (turned(log_id) as log_id, 0::uinteger as content, turned(user_key) as user_key,
                  turned(session_key) as session_key, turned(transaction_key) as transaction_key)
from store.events
