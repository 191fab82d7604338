-- name:    untold
-- asks:    which events must other events tell the user or the variation of?
-- grain:   none
-- params:  none; reads ev_ids, scope, chain, periods, variations, roles, test_clients, test_users
-- columns: carried BOOLEAN, phase INTEGER, in_flight BOOLEAN, place INTEGER, type UINTEGER, sso BOOLEAN, tested BOOLEAN,
--          user_key UBIGINT, session_key UBIGINT, transaction_key UBIGINT, at_us BIGINT
-- Those of the experiment (carried) that lack a user or a variation of it, and failed attempts during a phase that
-- carry no experiment at all. Phase 0 and in_flight are as in the question kinds. Place 0: no variation.
with candidates as (
    select e.*, true as carried, variations.place
    from ev_ids e
    left join variations on variations.experiment = e.experiment and variations.variation = e.variation
    where e.experiment in (select experiment from chain) and (e.user_key = 0 or variations.place is null)
    union all
    select e.*, false, null
    from ev_ids e
    where e.experiment = 0 and e.experiment not in (select experiment from chain)
      and e.type in (select type from roles where role = 'failure'::attempt_role)
), dated as (
    select c.carried,
           case when c.assigned_us < periods.until_us then periods.phase else 0 end as phase,
           periods.phase is not null and c.assigned_us >= periods.until_us as in_flight,
           coalesce(c.place, 0) as place, c.type, c.carried and c.interactive = 1 as sso,
           c.carried and (c.test or c.client in (select client from test_clients)
                          or c.user_key in (select user_key from test_users)) as tested,
           c.user_key, c.session_key, c.transaction_key, c.at_us
    from candidates c
    cross join scope
    left join periods on periods.experiment = case when c.carried then c.experiment else 4294967295::uinteger end
         and c.assigned_us >= periods.from_us
         and c.assigned_us < case when c.interactive = 1 then periods.session_until_us else periods.grace_until_us end
    where c.at_us >= scope.since_us and c.at_us < scope.until_us
)
select * from dated where carried or phase > 0
