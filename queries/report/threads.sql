-- name:    threads
-- asks:    which variation and user belong to each login transaction and session that carries the experiment?
-- grain:   kind, thread_key
-- params:  none; reads carried
-- columns: kind VARCHAR, thread_key UBIGINT, variation_id VARCHAR, user_key UBIGINT
-- The earliest event that tells wins; the log_id breaks ties, so the answer does not depend on the order of arrival.
select 'transaction' as kind, transaction_key as thread_key,
       coalesce(arg_min(variation_id, (at_us, log_id)) filter (where known), '') as variation_id,
       coalesce(arg_min(user_key, (at_us, log_id)) filter (where user_key <> 0), 0::ubigint) as user_key
from carried where transaction_key <> 0 group by transaction_key
union all
select 'session' as kind, session_key as thread_key,
       coalesce(arg_min(variation_id, (at_us, log_id)) filter (where known), '') as variation_id,
       coalesce(arg_min(user_key, (at_us, log_id)) filter (where user_key <> 0), 0::ubigint) as user_key
from carried where session_key <> 0 group by session_key
