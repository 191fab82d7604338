-- name:    threads
-- asks:    which variation and user do the wanted transactions and sessions have?
-- grain:   kind, thread_key
-- params:  none; reads ev_ids, readings, chain, wanted
-- columns: kind ENUM, thread_key UBIGINT, place INTEGER, user_key UBIGINT
-- The earliest event that tells wins; the log_id breaks ties, so the answer does not depend on the order of arrival.
-- Left joins, because DuckDB then looks up the events in the few wanted keys; of inner ones it may hold all events.
with telling as (
    select w.kind, w.thread_key, e.at_us, e.log_id, e.experiment, e.shape, e.user_key
    from wanted w left join ev_ids e on e.transaction_key = w.thread_key
    where w.kind = 'transaction'::thread_kind
    union all
    select w.kind, w.thread_key, e.at_us, e.log_id, e.experiment, e.shape, e.user_key
    from wanted w left join ev_ids e on e.session_key = w.thread_key
    where w.kind = 'session'::thread_kind
)
select telling.kind, telling.thread_key,
       coalesce(arg_min(r.place, (telling.at_us, telling.log_id)) filter (where r.place > 0), 0) as place,
       coalesce(arg_min(telling.user_key, (telling.at_us, telling.log_id)) filter (where telling.user_key <> 0), 0::ubigint) as user_key
from telling
join readings r on r.shape = telling.shape
where telling.experiment in (select experiment from chain) and telling.at_us >= r.since_us and telling.at_us < r.until_us
group by telling.kind, telling.thread_key
