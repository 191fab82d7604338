-- name:    told
-- asks:    whose are the login attempts that do not tell it themselves, in which variation, and by which rule is that known?
-- grain:   none
-- params:  none; reads untold, transactions, sessions, strata, forced
-- columns: type UINTEGER, role ENUM, login BOOLEAN, sso BOOLEAN, phase INTEGER, user_key UBIGINT, place INTEGER,
--          rule ENUM
-- Rules, in order: the event's own metadata; for a failure without any, the event of the same transaction,
-- then of the same session; then its subject's variation in the phase. 'none' is left over: an attempt of which no
-- person is known belongs to none of them, also where its variation is known.
with threaded as (
    select u.type, u.role, u.login, u.sso, u.phase,
           case when u.user_key <> 0 then u.user_key
                when coalesce(t.user_key, 0) <> 0 then t.user_key
                else coalesce(s.user_key, 0::ubigint) end as user_key,
           case when u.place <> 0 then u.place
                when coalesce(t.place, 0) <> 0 then t.place
                else coalesce(s.place, 0) end as place,
           case when u.place <> 0 then 'event'::attempt_rule
                when coalesce(t.place, 0) <> 0 then 'transaction'::attempt_rule
                when coalesce(s.place, 0) <> 0 then 'session'::attempt_rule
                else ''::attempt_rule end as rule
    from untold u
    left join transactions t on t.transaction_key = u.transaction_key
    left join sessions s on s.session_key = u.session_key
    where not u.tested and u.role in ('success'::attempt_role, 'failure'::attempt_role)
), placed as (
    select a.type, a.role, a.login, a.sso, a.phase, a.user_key,
           case when a.rule <> ''::attempt_rule then a.place else coalesce(strata.place, 0) end as place,
           case when a.user_key = 0 then 'none'::attempt_rule
                when a.rule <> ''::attempt_rule then a.rule
                when strata.place is not null then 'subject'::attempt_rule
                else 'none'::attempt_rule end as rule
    from threaded a
    left join strata on strata.phase = a.phase and strata.user_key = a.user_key
)
select * from placed where user_key not in (select user_key from forced)
