-- name:    kinds
-- asks:    how many events of the experiment are there of each kind on each day?
-- grain:   experiment, variation, type, sso, phase, in_flight, named, judged, day_us
-- params:  none; reads dated, readings, forced
-- columns: experiment UINTEGER, variation UINTEGER, place INTEGER, type UINTEGER, role ENUM, login BOOLEAN, sso BOOLEAN,
--          phase INTEGER, in_flight BOOLEAN, named BOOLEAN, judged BOOLEAN, day_us BIGINT, n HUGEINT, first_us BIGINT,
--          last_us BIGINT, segment HUGEINT, late HUGEINT
-- Place 0: no variation of the experiment. No role: no login attempt. named: it has a user. judged: it is neither a test
-- nor of a forced user.
with counted as (
    select e.shape, e.phase, e.in_flight, e.user_key <> 0 as named,
           not e.tested and e.user_key not in (select user_key from forced) as judged,
           e.at_us - e.at_us % 86400000000 as day_us,
           count(*) as n, min(e.at_us) as first_us, max(e.at_us) as last_us,
           count(*) filter (e.logged_us > e.at_us + 300000000) as late
    from dated e
    group by 1, 2, 3, 4, 5, 6
), attempts as (
    select shape, experiment, variation, place, type, sso, segmented,
           case when role = 'enrollment'::attempt_role then ''::attempt_role else role end as role,
           login and role <> 'enrollment'::attempt_role as login
    from readings
)
select a.experiment, a.variation, a.place, a.type, a.role, a.login, a.sso, c.phase, c.in_flight, c.named, c.judged, c.day_us,
       sum(c.n) as n, min(c.first_us) as first_us, max(c.last_us) as last_us,
       coalesce(sum(c.n) filter (a.segmented), 0) as segment, sum(c.late) as late
from counted c join attempts a on a.shape = c.shape
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
