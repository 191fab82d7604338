-- name:    kinds
-- asks:    how many events of the experiment are there of each kind on each day?
-- grain:   experiment, variation, type, sso, phase, in_flight, named, judged, day_us
-- params:  none; reads ev_ids, scope, chain, periods, variations, roles, test_clients, test_users, forced
-- columns: experiment UINTEGER, variation UINTEGER, place INTEGER, type UINTEGER, role ENUM, login BOOLEAN, sso BOOLEAN,
--          phase INTEGER, in_flight BOOLEAN, named BOOLEAN, judged BOOLEAN, day_us BIGINT, n BIGINT, first_us BIGINT,
--          last_us BIGINT, segment BIGINT, late BIGINT
-- Phase 0 means that no phase was open when its login began: the assignment was forced, or the login was in flight
-- when a phase ended (in_flight: within the grace after it, or without a prompt, since a session keeps the variation
-- that it began with). Place 0: no variation of the experiment. No role: no login attempt. named: it has a user.
-- judged: it is neither test traffic nor of a forced user.
with counted as (
    select e.experiment, e.variation, e.type, e.interactive = 1 as sso,
           case when e.assigned_us < periods.until_us then periods.phase else 0 end as phase,
           periods.phase is not null and e.assigned_us >= periods.until_us as in_flight,
           e.user_key <> 0 as named,
           not e.test and e.client not in (select client from test_clients)
               and e.user_key not in (select user_key from test_users)
               and e.user_key not in (select user_key from forced) as judged,
           e.at_us - e.at_us % 86400000000 as day_us,
           count(*) as n, min(e.at_us) as first_us, max(e.at_us) as last_us,
           count(*) filter (e.allocation = scope.segment) as segment,
           count(*) filter (e.logged_us > e.at_us + 300000000) as late
    from ev_ids e
    cross join scope
    left join periods on periods.experiment = e.experiment
         and e.assigned_us >= periods.from_us
         and e.assigned_us < case when e.interactive = 1 then periods.session_until_us else periods.grace_until_us end
    where e.experiment in (select experiment from chain)
      and e.at_us >= scope.since_us and e.at_us < scope.until_us
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
)
select c.experiment, c.variation, coalesce(variations.place, 0) as place,
       c.type, coalesce(roles.role, ''::attempt_role) as role, coalesce(roles.login, false) as login, c.sso,
       c.phase, c.in_flight, c.named, c.judged, c.day_us, c.n, c.first_us, c.last_us, c.segment, c.late
from counted c
left join roles on roles.type = c.type and roles.role in ('success', 'failure')
left join variations on variations.experiment = c.experiment and variations.variation = c.variation
