-- name:    attempts
-- asks:    which login attempts are there, of whom, in which variation, and by which rule is that known?
-- grain:   log_id
-- params:  none; reads ev, carried, threads, strata, phases, roles, scope, forced
-- columns: log_id UBIGINT, type VARCHAR, role VARCHAR, interactive UTINYINT, phase INTEGER, user_key UBIGINT,
--          variation_id VARCHAR, rule VARCHAR
-- Rules, in order: the event's own metadata; for a failure without any, the event of the same transaction,
-- then of the same session; then its subject's variation in the phase. 'none' is left over.
with tries as (
    select c.log_id, c.type, roles.role, c.interactive, c.phase, c.user_key, c.session_key, c.transaction_key,
           case when c.known then c.variation_id else '' end as variation_id
    from carried c join roles on roles.type = c.type
    where roles.role in ('success', 'failure') and not c.tested
    union all
    select e.log_id, e.type, roles.role, e.interactive, phases.phase, e.user_key, e.session_key, e.transaction_key,
           '' as variation_id
    from ev e join roles on roles.type = e.type cross join scope
    join phases on e.assigned_us >= phases.from_us and e.assigned_us < phases.until_us
    where roles.role = 'failure' and e.experiment_id = ''
      and e.at_us >= scope.since_us and e.at_us < scope.until_us
), threaded as (
    select tries.*,
           case when tries.user_key <> 0 then tries.user_key
                when coalesce(t.user_key, 0) <> 0 then t.user_key
                else coalesce(s.user_key, 0::ubigint) end as subject,
           case when tries.variation_id <> '' then tries.variation_id
                when coalesce(t.variation_id, '') <> '' then t.variation_id
                else coalesce(s.variation_id, '') end as threaded_variation,
           case when tries.variation_id <> '' then 'event'
                when coalesce(t.variation_id, '') <> '' then 'transaction'
                when coalesce(s.variation_id, '') <> '' then 'session'
                else '' end as threaded_rule
    from tries
    left join threads t on t.kind = 'transaction' and t.thread_key = tries.transaction_key
    left join threads s on s.kind = 'session' and s.thread_key = tries.session_key
)
select threaded.log_id, threaded.type, threaded.role, threaded.interactive, threaded.phase,
       threaded.subject as user_key,
       case when threaded_rule <> '' then threaded_variation
            else coalesce(strata.variation_id, '') end as variation_id,
       case when threaded_rule <> '' then threaded_rule
            when strata.variation_id is not null then 'subject'
            else 'none' end as rule
from threaded
left join strata on strata.phase = threaded.phase and strata.user_key = threaded.subject
where threaded.subject not in (select user_key from forced)
