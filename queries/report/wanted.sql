-- name:    wanted
-- asks:    which transactions and sessions must tell the variation or the user of an event that lacks it?
-- grain:   kind, thread_key
-- params:  none; reads carried, strays
-- columns: kind VARCHAR, thread_key UBIGINT
with lacking as (
    select session_key, transaction_key from carried where user_key = 0 or not known
    union all
    select session_key, transaction_key from strays where bare and role = 'failure'
)
select 'transaction' as kind, transaction_key as thread_key from lacking where transaction_key <> 0 group by thread_key
union all
select 'session' as kind, session_key as thread_key from lacking where session_key <> 0 group by thread_key
