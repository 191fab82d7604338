-- name:    untold
-- asks:    which events must other events tell the user or the variation of?
-- grain:   none
-- params:  none; reads dated, ev_ids, scope, chain, periods, roles
-- columns: carried BOOLEAN, phase INTEGER, place INTEGER, type UINTEGER, sso BOOLEAN, tested BOOLEAN, suspect BOOLEAN,
--          user_key UBIGINT, session_key UBIGINT, transaction_key UBIGINT, at_us BIGINT
-- Those of the experiment (carried) that lack a user or a variation of it, and failed attempts during a phase that
-- carry no experiment at all. Place 0: no variation.
with bare as materialized (     -- or else DuckDB, which expects few, may look up the types in a table of all these events
    select e.type, e.user_key, e.session_key, e.transaction_key, e.at_us, e.assigned_us
    from ev_ids e
    where e.experiment = 0 and e.experiment not in (select experiment from chain)
      and e.type in (select type from roles where role = 'failure'::attempt_role)
)
select true as carried, e.phase, coalesce(e.place, 0) as place, e.type, e.interactive = 1 as sso, e.tested,
       e.tested or e.outside as suspect, e.user_key, e.session_key, e.transaction_key, e.at_us
from dated e
where e.experiment in (select experiment from chain) and (e.user_key = 0 or e.place is null)
union all
select false, periods.phase, 0, e.type, false, false, false, e.user_key, e.session_key, e.transaction_key, e.at_us
from bare e
cross join scope
join periods on periods.experiment = 4294967295 and e.assigned_us >= periods.from_us and e.assigned_us < periods.until_us
where e.at_us >= scope.since_us and e.at_us < scope.until_us
