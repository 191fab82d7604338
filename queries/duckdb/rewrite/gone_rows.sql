-- name:    gone_rows
-- asks:    how many rows are theirs, and how many of the people have any?
-- params:  none; reads gone, gone_keys
-- columns: events BIGINT, pages BIGINT, people BIGINT
with theirs as (
    select 'log' as source, user_key from store.events
    where user_key in (select user_key from gone)
       or user_key = 0 and (transaction_key in (select key from gone_keys) or session_key in (select key from gone_keys))
    union all
    select 'page' as source, user_key from store.page_events
    where user_key in (select user_key from gone)
       or user_key = 0 and (transaction_key in (select key from gone_keys) or session_key in (select key from gone_keys))
)
select count(*) filter (source = 'log') as events, count(*) filter (source = 'page') as pages,
       count(distinct user_key) filter (user_key <> 0) as people
from theirs
