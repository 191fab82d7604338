-- name:    tries
-- asks:    what do the events of the experiment and the login attempts come to, grouped by all that matters of them?
-- grain:   carried, bare, phase, in_flight, place, variation, type, role, login, sso, tested, user_key, session_key, transaction_key
-- params:  none; reads ev_ids, scope, chain, periods, variations, roles, test_clients, test_users
-- columns: carried BOOLEAN, bare BOOLEAN, phase INTEGER, in_flight BOOLEAN, place INTEGER, variation UINTEGER, type UINTEGER,
--          role ENUM, login BOOLEAN, sso BOOLEAN, tested BOOLEAN, user_key UBIGINT, session_key UBIGINT,
--          transaction_key UBIGINT, n BIGINT, first_us BIGINT
-- The one question that reads all events, into many groups, so each has two aggregates only. carried: the event has the experiment. bare: it has none at all. Phase 0
-- means that no phase was open when its login began: for a carried event the assignment was forced, or the login was
-- in flight when a phase ended (in_flight: within the grace after it, or without a prompt, since a session keeps the
-- variation that it began with). Place 0: no variation of the experiment.
-- Sessions and transactions are kept only of events that lack a user or a variation and must be told by others;
-- attempts of other experiments, and successes of none, are counted without their user.
with told as (
    select e.at_us,
           chain.experiment is not null as carried,
           chain.experiment is null and e.experiment = 0 as bare,
           case when e.assigned_us < periods.until_us then periods.phase else 0 end as phase,
           periods.phase is not null and e.assigned_us >= periods.until_us as in_flight,
           coalesce(variations.place, 0) as place,
           case when chain.experiment is not null then e.variation else 0::uinteger end as variation,
           coalesce(roles.type, 0::uinteger) as type, coalesce(roles.role, ''::attempt_role) as role,
           coalesce(roles.login, false) as login,
           e.interactive = 1 as sso,
           chain.experiment is not null
               and (e.test or e.client in (select client from test_clients)
                    or e.user_key in (select user_key from test_users)) as tested,
           case when chain.experiment is not null then e.user_key = 0 or variations.place is null
                else e.experiment = 0 and roles.role = 'failure' end as loose,
           e.user_key, e.session_key, e.transaction_key
    from ev_ids e
    cross join scope
    left join chain on chain.experiment = e.experiment
    left join roles on roles.type = e.type and roles.role in ('success', 'failure')
    left join variations on variations.experiment = e.experiment and variations.variation = e.variation
    left join periods on periods.experiment = coalesce(chain.experiment, 4294967295::uinteger)
         and e.assigned_us >= periods.from_us
         and e.assigned_us < case when e.interactive = 1 then periods.session_until_us else periods.grace_until_us end
    where (chain.experiment is not null or roles.role is not null)
      and e.at_us >= scope.since_us and e.at_us < scope.until_us
)
select carried, bare, phase, in_flight, place, variation, type, role, login, sso, tested,
       case when carried or loose then user_key else 0::ubigint end as user_key,
       case when loose then session_key else 0::ubigint end as session_key,
       case when loose then transaction_key else 0::ubigint end as transaction_key,
       count(*) as n, min(at_us) as first_us
from told
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
