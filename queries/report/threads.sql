-- name:    threads
-- asks:    which variation and user do the wanted transactions and sessions have?
-- grain:   kind, thread_key
-- params:  none; reads ev_ids, scope, chain, variations, wanted
-- columns: kind ENUM, thread_key UBIGINT, place INTEGER, user_key UBIGINT
-- The earliest event that tells wins; the log_id breaks ties, so the answer does not depend on the order of arrival.
with telling as (
    select e.transaction_key, e.session_key, e.at_us, e.log_id, variations.place, e.user_key
    from ev_ids e
    cross join scope
    left join variations on variations.experiment = e.experiment and variations.variation = e.variation
    where e.experiment in (select experiment from chain)
      and e.at_us >= scope.since_us and e.at_us < scope.until_us
), told as (
    select 'transaction'::thread_kind as kind, transaction_key as thread_key, at_us, log_id, place, user_key
    from telling where transaction_key in (select thread_key from wanted where kind = 'transaction')
    union all
    select 'session'::thread_kind as kind, session_key as thread_key, at_us, log_id, place, user_key
    from telling where session_key in (select thread_key from wanted where kind = 'session')
)
select kind, thread_key,
       coalesce(arg_min(place, (at_us, log_id)) filter (where place > 0), 0) as place,
       coalesce(arg_min(user_key, (at_us, log_id)) filter (where user_key <> 0), 0::ubigint) as user_key
from told group by kind, thread_key
