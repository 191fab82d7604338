-- name:    threads
-- asks:    which variation and user do the wanted transactions and sessions have?
-- grain:   kind, thread_key
-- params:  none; reads carried, wanted
-- columns: kind VARCHAR, thread_key UBIGINT, variation_id VARCHAR, user_key UBIGINT
-- The earliest event that tells wins; the log_id breaks ties, so the answer does not depend on the order of arrival.
with told as (
    select 'transaction' as kind, transaction_key as thread_key, at_us, log_id, variation_id, user_key, known
    from carried where transaction_key in (select thread_key from wanted where kind = 'transaction')
    union all
    select 'session' as kind, session_key as thread_key, at_us, log_id, variation_id, user_key, known
    from carried where session_key in (select thread_key from wanted where kind = 'session')
)
select kind, thread_key,
       coalesce(arg_min(variation_id, (at_us, log_id)) filter (where known), '') as variation_id,
       coalesce(arg_min(user_key, (at_us, log_id)) filter (where user_key <> 0), 0::ubigint) as user_key
from told group by kind, thread_key
