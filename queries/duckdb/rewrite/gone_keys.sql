-- name:    gone_keys
-- asks:    which sessions and transactions do the people have who are to be forgotten?
-- params:  none; reads gone
-- Rows that name no user are theirs by these.
create temp table gone_keys as
select distinct key from (
    select unnest([session_key, transaction_key]) as key from (
        select user_key, session_key, transaction_key from store.events
        union all
        select user_key, session_key, transaction_key from store.page_events
    ) rows_of where user_key in (select user_key from gone)
) keys where key <> 0
