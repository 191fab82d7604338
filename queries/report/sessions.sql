-- name:    sessions
-- asks:    which variation and user do the sessions of the untold events have?
-- grain:   session_key
-- params:  none; reads untold, ev_ids, readings, chain
-- columns: session_key UBIGINT, place INTEGER, user_key UBIGINT
-- The earliest event that tells wins, so the answer does not depend on the order of arrival. Of variations told at one
-- moment it is that of the smaller place, as everywhere; of users, that of the smaller log_id.
-- A left join, because DuckDB then looks up the events in the few wanted keys; of an inner one it may hold all events.
with wanted as (
    select session_key from untold where session_key <> 0 group by session_key
), telling as (
    select w.session_key, e.at_us, e.log_id, e.experiment, e.shape, e.user_key
    from wanted w left join ev_ids e on e.session_key = w.session_key
)
select t.session_key,
       coalesce(arg_min(r.place, (t.at_us, r.place)) filter (where r.place > 0), 0) as place,
       coalesce(arg_min(t.user_key, (t.at_us, t.log_id)) filter (where t.user_key <> 0), 0::ubigint) as user_key
from telling t
join readings r on r.shape = t.shape
where t.experiment in (select experiment from chain) and t.at_us >= r.since_us and t.at_us < r.until_us
group by t.session_key
