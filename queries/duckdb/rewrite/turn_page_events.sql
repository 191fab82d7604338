-- name:    turn_page_events
-- asks:    keep the rows under their new pseudonyms
insert into fresh.page_events
select * replace (turned(event_id) as event_id, turned(user_key) as user_key, turned(session_key) as session_key,
                  turned(transaction_key) as transaction_key)
from store.page_events
