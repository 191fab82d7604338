-- name:    loose
-- asks:    which events lack a user or a variation that their transaction or session may tell?
-- params:  none; reads ev_ids, readings, scope, chain
-- The same ones that the question untold keeps, and failures outside every phase.
-- Events without a user are asked for apart, since of all others few columns are read then.
with candidates as (
    select e.row_no, e.at_us, e.user_key, e.session_key, e.transaction_key
    from ev_ids e
    where e.user_key = 0 and e.experiment in (select experiment from chain)
    union all
    select e.row_no, e.at_us, e.user_key, e.session_key, e.transaction_key
    from ev_ids e join readings r on r.shape = e.shape
    where e.user_key <> 0 and e.experiment in (select experiment from chain) and r.place = 0
    union all
    select e.row_no, e.at_us, e.user_key, e.session_key, e.transaction_key
    from ev_ids e join readings r on r.shape = e.shape
    where e.experiment = 0 and not r.ours and r.role = 'failure'::attempt_role
)
select c.row_no, c.user_key, c.session_key, c.transaction_key
from candidates c cross join scope
where (c.session_key <> 0 or c.transaction_key <> 0) and c.at_us >= scope.since_us and c.at_us < scope.until_us
