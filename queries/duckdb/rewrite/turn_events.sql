-- name:    turn_events
-- asks:    keep the rows under their new pseudonyms
insert into fresh.events
select * replace (turned(log_id) as log_id, turned(user_key) as user_key, turned(session_key) as session_key,
                  turned(transaction_key) as transaction_key)
from store.events
