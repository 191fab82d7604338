-- name:    strays
-- asks:    which login attempts do not carry the experiment?
-- grain:   log_id
-- params:  none; reads ev, scope, chain, phases, roles
-- columns: log_id UBIGINT, at_us BIGINT, type VARCHAR, role VARCHAR, bare BOOLEAN, user_key UBIGINT,
--          session_key UBIGINT, transaction_key UBIGINT, interactive UTINYINT, phase INTEGER
-- bare: without any experiment. Phase 0: no phase of the experiment was open.
select e.log_id, e.at_us, e.type, roles.role, e.experiment_id = '' as bare, e.user_key, e.session_key,
       e.transaction_key, e.interactive,
       coalesce((select max(phases.phase) from phases
                 where e.assigned_us >= phases.from_us and e.assigned_us < phases.until_us), 0) as phase
from ev e
join roles on roles.type = e.type
cross join scope
where roles.role in ('success', 'failure')
  and e.experiment_id not in (select experiment_id from chain)
  and e.at_us >= scope.since_us and e.at_us < scope.until_us
