-- name:    untold
-- asks:    which events must other events tell the user or the variation of?
-- grain:   none
-- params:  none; reads dated, ev_ids, readings, periods
-- columns: carried BOOLEAN, phase INTEGER, place INTEGER, type UINTEGER, role ENUM, login BOOLEAN, sso BOOLEAN,
--          tested BOOLEAN, suspect BOOLEAN, user_key UBIGINT, session_key UBIGINT, transaction_key UBIGINT, at_us BIGINT
-- Those of the experiment (carried) that lack a user or a variation of it, and failed attempts during a phase that
-- carry no experiment at all. Place 0: no variation.
with bare as materialized (     -- or else DuckDB, which expects few, may look up the shapes in a table of all these events
    select r.type, e.user_key, e.session_key, e.transaction_key, e.at_us, e.assigned_us
    from ev_ids e join readings r on r.shape = e.shape
    where e.experiment = 0 and not r.ours and r.role = 'failure'::attempt_role and e.at_us >= r.since_us and e.at_us < r.until_us
)
select true as carried, e.phase, e.place, e.type, e.role, e.login, e.sso, e.tested, e.tested or e.outside as suspect,
       e.user_key, e.session_key, e.transaction_key, e.at_us
from dated e
where e.user_key = 0 or e.place = 0
union all
select false, periods.phase, 0, e.type, 'failure'::attempt_role, false, false, false, false,
       e.user_key, e.session_key, e.transaction_key, e.at_us
from bare e
join periods on periods.experiment = 4294967295 and e.assigned_us >= periods.from_us and e.assigned_us < periods.until_us
