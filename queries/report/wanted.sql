-- name:    wanted
-- asks:    which transactions and sessions must tell the variation or the user of an event that lacks it?
-- grain:   kind, thread_key
-- params:  none; reads untold
-- columns: kind ENUM, thread_key UBIGINT
select 'transaction'::thread_kind as kind, transaction_key as thread_key from untold where transaction_key <> 0 group by thread_key
union all
select 'session'::thread_kind as kind, session_key as thread_key from untold where session_key <> 0 group by thread_key
