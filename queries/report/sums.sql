-- name:    sums
-- asks:    what are the sufficient statistics of each metric in each arm of each stratum?
-- grain:   phase, origin, place, metric, uncrossed
-- params:  none; reads subj
-- columns: phase INTEGER, origin INTEGER, place INTEGER, metric VARCHAR, uncrossed BOOLEAN, n BIGINT,
--          sum_y HUGEINT, sum_x HUGEINT, sum_yy HUGEINT, sum_xx HUGEINT, sum_xy HUGEINT
-- uncrossed: of the subjects seen in one variation of the phase; the others are in the rows without it.
with observed as (    -- y and x of enroll are enrolled and one, of enroll_per_login enrolled and logins, of login_success ok and tried
    select phase, origin, place, not crossed as uncrossed, is_first and eligible as fit,
           case when is_first and enrolled then 1 else 0 end as enrolled,
           case when is_first and eligible then greatest(logins, case when enrolled then 1 else 0 end) else 0 end as logins,
           ok, ok + failed + lost as tried
    from subj where origin >= 0
), added as (
    select phase, origin, place, uncrossed, count(*) filter (fit) as subjects, sum(enrolled) as enrolled,
           sum(logins) as logins, sum(logins * logins) as logins_logins, sum(logins * enrolled) as logins_enrolled,
           count(*) filter (tried > 0) as triers, sum(ok) as ok, sum(tried) as tried, sum(ok * ok) as ok_ok,
           sum(tried * tried) as tried_tried, sum(tried * ok) as tried_ok
    from observed group by phase, origin, place, uncrossed
)
select phase, origin, place, 'enroll' as metric, uncrossed, subjects as n,
       enrolled as sum_y, subjects as sum_x, enrolled as sum_yy, subjects as sum_xx, enrolled as sum_xy
from added where subjects > 0
union all
select phase, origin, place, 'enroll_per_login', uncrossed, subjects, enrolled, logins, enrolled, logins_logins, logins_enrolled
from added where subjects > 0
union all
select phase, origin, place, 'login_success', uncrossed, triers, ok, tried, ok_ok, tried_tried, tried_ok
from added where triers > 0
order by phase, origin, place, metric, uncrossed
