-- name:    kinds
-- asks:    how many events of the experiment are there of each kind on each day?
-- grain:   experiment, variation, type, sso, phase, in_flight, named, judged, day_us
-- params:  none; reads dated, scope, chain, roles, forced
-- columns: experiment UINTEGER, variation UINTEGER, place INTEGER, type UINTEGER, role ENUM, login BOOLEAN, sso BOOLEAN,
--          phase INTEGER, in_flight BOOLEAN, named BOOLEAN, judged BOOLEAN, day_us BIGINT, n BIGINT, first_us BIGINT,
--          last_us BIGINT, segment BIGINT, late BIGINT
-- Place 0: no variation of the experiment. No role: no login attempt. named: it has a user. judged: it is neither a test
-- nor of a forced user.
with counted as (
    select e.experiment, e.variation, coalesce(e.place, 0) as place, e.type, e.interactive = 1 as sso, e.phase, e.in_flight,
           e.user_key <> 0 as named,
           not e.tested and e.user_key not in (select user_key from forced) as judged,
           e.at_us - e.at_us % 86400000000 as day_us,
           count(*) as n, min(e.at_us) as first_us, max(e.at_us) as last_us,
           count(*) filter (e.allocation = (select segment from scope)) as segment,
           count(*) filter (e.logged_us > e.at_us + 300000000) as late
    from dated e
    where e.experiment in (select experiment from chain)
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
)
select c.experiment, c.variation, c.place, c.type, coalesce(roles.role, ''::attempt_role) as role,
       coalesce(roles.login, false) as login, c.sso, c.phase, c.in_flight, c.named, c.judged,
       c.day_us, c.n, c.first_us, c.last_us, c.segment, c.late
from counted c
left join roles on roles.type = c.type and roles.role in ('success', 'failure')
