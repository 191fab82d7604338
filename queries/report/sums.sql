-- name:    sums
-- asks:    what are the sufficient statistics of each metric in each arm of each stratum?
-- grain:   phase, origin, place, metric, uncrossed
-- params:  none; reads subj
-- columns: phase INTEGER, origin INTEGER, place INTEGER, metric VARCHAR, uncrossed BOOLEAN, n BIGINT,
--          sum_y HUGEINT, sum_x HUGEINT, sum_yy HUGEINT, sum_xx HUGEINT, sum_xy HUGEINT
-- uncrossed: of the subjects seen in one variation of the phase; the others are in the rows without it.
with observed as (
    select phase, origin, place, 'enroll' as metric, not crossed as uncrossed,
           case when enrolled then 1 else 0 end as y, 1 as x
    from subj where is_first and eligible
    union all
    select phase, origin, place, 'enroll_per_login' as metric, not crossed as uncrossed,
           case when enrolled then 1 else 0 end as y,
           greatest(logins, case when enrolled then 1 else 0 end) as x
    from subj where is_first and eligible
    union all
    select phase, origin, place, 'login_success' as metric, not crossed as uncrossed, ok as y, ok + failed + lost as x
    from subj where ok + failed + lost > 0
)
select phase, origin, place, metric, uncrossed, count(*) as n,
       sum(y) as sum_y, sum(x) as sum_x, sum(y * y) as sum_yy, sum(x * x) as sum_xx, sum(x * y) as sum_xy
from observed
where origin >= 0
group by phase, origin, place, metric, uncrossed
order by phase, origin, place, metric, uncrossed
