-- name:    attempts
-- asks:    how many login attempts are there, of whom, in which variation, and by which rule is that known?
-- grain:   type, sso, phase, user_key, variation_id, rule
-- params:  none; reads carried, strays, threads, strata, roles, forced
-- columns: type VARCHAR, role VARCHAR, sso BOOLEAN, phase INTEGER, user_key UBIGINT, variation_id VARCHAR,
--          rule VARCHAR, n HUGEINT
-- Rules, in order: the event's own metadata; for a failure without any, the event of the same transaction,
-- then of the same session; then its subject's variation in the phase. 'none' is left over.
with tries as (
    select c.type, roles.role, c.interactive = 1 as sso, c.phase, c.user_key,
           case when c.known then c.variation_id else '' end as variation_id,
           case when c.known and c.user_key <> 0 then 0 else c.session_key end as session_key,
           case when c.known and c.user_key <> 0 then 0 else c.transaction_key end as transaction_key,
           count(*) as n
    from carried c join roles on roles.type = c.type
    where roles.role in ('success', 'failure') and not c.tested
    group by all
    union all
    select type, role, false as sso, phase, user_key, '' as variation_id, session_key, transaction_key, 1 as n
    from strays where bare and role = 'failure' and phase > 0
), threaded as (
    select tries.*,
           case when tries.user_key <> 0 then tries.user_key
                when coalesce(t.user_key, 0) <> 0 then t.user_key
                else coalesce(s.user_key, 0::ubigint) end as subject,
           case when tries.variation_id <> '' then tries.variation_id
                when coalesce(t.variation_id, '') <> '' then t.variation_id
                else coalesce(s.variation_id, '') end as own,
           case when tries.variation_id <> '' then 'event'
                when coalesce(t.variation_id, '') <> '' then 'transaction'
                when coalesce(s.variation_id, '') <> '' then 'session'
                else '' end as told_by
    from tries
    left join threads t on t.kind = 'transaction' and t.thread_key = tries.transaction_key
    left join threads s on s.kind = 'session' and s.thread_key = tries.session_key
)
select threaded.type, threaded.role, threaded.sso, threaded.phase, threaded.subject as user_key,
       case when told_by <> '' then own else coalesce(strata.variation_id, '') end as variation_id,
       case when told_by <> '' then told_by when strata.variation_id is not null then 'subject' else 'none' end as rule,
       sum(threaded.n) as n
from threaded
left join strata on strata.phase = threaded.phase and strata.user_key = threaded.subject
where threaded.subject not in (select user_key from forced)
group by all
