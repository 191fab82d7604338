-- name:    attempts
-- asks:    how many login attempts are there, of whom, in which variation, and by which rule is that known?
-- grain:   none
-- params:  none; reads tries, threads, strata, forced
-- columns: type UINTEGER, role ENUM, login BOOLEAN, sso BOOLEAN, phase INTEGER, user_key UBIGINT, place INTEGER,
--          rule ENUM, n BIGINT
-- Rules, in order: the event's own metadata; for a failure without any, the event of the same transaction,
-- then of the same session; then its subject's variation in the phase. 'none' is left over. Rows are not yet
-- added up: those who read them do.
with plain as (
    select type, role, login, sso, phase, user_key, place, 'event'::attempt_rule as rule, n
    from tries where carried and role <> ''::attempt_role and not tested and place > 0 and user_key <> 0
), loose as (
    select tries.type, tries.role, tries.login, tries.carried and tries.sso as sso, tries.phase,
           case when tries.user_key <> 0 then tries.user_key
                when coalesce(t.user_key, 0) <> 0 then t.user_key
                else coalesce(s.user_key, 0::ubigint) end as user_key,
           case when tries.place <> 0 then tries.place
                when coalesce(t.place, 0) <> 0 then t.place
                else coalesce(s.place, 0) end as place,
           case when tries.place <> 0 then 'event'::attempt_rule
                when coalesce(t.place, 0) <> 0 then 'transaction'::attempt_rule
                when coalesce(s.place, 0) <> 0 then 'session'::attempt_rule
                else ''::attempt_rule end as rule,
           tries.n
    from tries
    left join threads t on t.kind = 'transaction'::thread_kind and t.thread_key = tries.transaction_key
    left join threads s on s.kind = 'session'::thread_kind and s.thread_key = tries.session_key
    where (tries.carried and tries.role <> ''::attempt_role and not tries.tested and (tries.place = 0 or tries.user_key = 0))
       or (tries.bare and tries.role = 'failure'::attempt_role and tries.phase > 0)
), placed as (
    select * from plain
    union all
    select loose.type, loose.role, loose.login, loose.sso, loose.phase, loose.user_key,
           case when loose.rule <> ''::attempt_rule then loose.place else coalesce(strata.place, 0) end as place,
           case when loose.rule <> ''::attempt_rule then loose.rule when strata.place is not null then 'subject'::attempt_rule
                else 'none'::attempt_rule end as rule,
           loose.n
    from loose
    left join strata on strata.phase = loose.phase and strata.user_key = loose.user_key
)
select * from placed where user_key not in (select user_key from forced)
