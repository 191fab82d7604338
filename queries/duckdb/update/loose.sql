-- name:    loose
-- asks:    which events lack a user or a variation that their transaction or session may tell?
-- params:  none; reads ev_ids, scope, chain, variations, roles
-- The same ones of which the question tries keeps sessions and transactions.
with candidates as (
    select * from ev_ids
    where (user_key = 0 or experiment = 0 or variation not in (select variation from variations))
      and (session_key <> 0 or transaction_key <> 0)
)
select e.row_no, e.user_key, e.session_key, e.transaction_key
from candidates e
cross join scope
left join chain on chain.experiment = e.experiment
left join roles on roles.type = e.type
left join variations on variations.experiment = e.experiment and variations.variation = e.variation
where e.at_us >= scope.since_us and e.at_us < scope.until_us
  and case when chain.experiment is not null then e.user_key = 0 or variations.place is null
           else e.experiment = 0 and roles.role = 'failure' end
