-- name:    loose
-- asks:    which events lack a user or a variation that their transaction or session may tell?
-- params:  none; reads ev_ids, scope, chain, variations, roles
-- The same ones that the question untold keeps, and failures outside every phase.
with candidates as (
    select e.row_no, e.at_us, e.user_key, e.session_key, e.transaction_key
    from ev_ids e
    left join variations on variations.experiment = e.experiment and variations.variation = e.variation
    where e.experiment in (select experiment from chain) and (e.user_key = 0 or variations.place is null)
    union all
    select e.row_no, e.at_us, e.user_key, e.session_key, e.transaction_key
    from ev_ids e
    where e.experiment = 0 and e.experiment not in (select experiment from chain)
      and e.type in (select type from roles where role = 'failure'::attempt_role)
)
select c.row_no, c.user_key, c.session_key, c.transaction_key
from candidates c cross join scope
where (c.session_key <> 0 or c.transaction_key <> 0) and c.at_us >= scope.since_us and c.at_us < scope.until_us
