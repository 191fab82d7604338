-- name:    threads
-- asks:    which variation and user do the wanted transactions and sessions have?
-- grain:   kind, thread_key
-- params:  none; reads ev_ids, scope, chain, variations, wanted
-- columns: kind ENUM, thread_key UBIGINT, place INTEGER, user_key UBIGINT
-- The earliest event that tells wins; the log_id breaks ties, so the answer does not depend on the order of arrival.
-- Left joins, because DuckDB then looks up the events in the few wanted keys; of inner ones it may hold all events.
with told as (
    select w.kind, w.thread_key, e.at_us, e.log_id, e.experiment, e.variation, e.user_key
    from wanted w left join ev_ids e on e.transaction_key = w.thread_key
    where w.kind = 'transaction'::thread_kind
    union all
    select w.kind, w.thread_key, e.at_us, e.log_id, e.experiment, e.variation, e.user_key
    from wanted w left join ev_ids e on e.session_key = w.thread_key
    where w.kind = 'session'::thread_kind
)
select told.kind, told.thread_key,
       coalesce(arg_min(variations.place, (told.at_us, told.log_id)) filter (where variations.place > 0), 0) as place,
       coalesce(arg_min(told.user_key, (told.at_us, told.log_id)) filter (where told.user_key <> 0), 0::ubigint) as user_key
from told
cross join scope
left join variations on variations.experiment = told.experiment and variations.variation = told.variation
where told.experiment in (select experiment from chain)
  and told.at_us >= scope.since_us and told.at_us < scope.until_us
group by told.kind, told.thread_key
