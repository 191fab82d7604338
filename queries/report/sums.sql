-- name:    sums
-- asks:    what are the sufficient statistics of each metric in each arm of each stratum?
-- grain:   phase, origin, variation_id, metric, uncrossed
-- params:  none; reads subj
-- columns: phase INTEGER, origin INTEGER, variation_id VARCHAR, metric VARCHAR, uncrossed BOOLEAN, n BIGINT,
--          sum_y HUGEINT, sum_x HUGEINT, sum_yy HUGEINT, sum_xx HUGEINT, sum_xy HUGEINT
-- The rows with uncrossed leave out the subjects seen in two or more variations of the phase.
with observed as (
    select phase, origin, variation_id, 'enroll' as metric, crossed,
           case when enrolled then 1 else 0 end as y, 1 as x
    from subj where is_first and eligible
    union all
    select phase, origin, variation_id, 'enroll_per_login' as metric, crossed,
           case when enrolled then 1 else 0 end as y,
           greatest(logins, case when enrolled then 1 else 0 end) as x
    from subj where is_first and eligible
    union all
    select phase, origin, variation_id, 'login_success' as metric, crossed, ok as y, ok + failed + lost as x
    from subj where ok + failed + lost > 0
), kept as (
    select *, false as uncrossed from observed where origin >= 0
    union all
    select *, true as uncrossed from observed where origin >= 0 and not crossed
)
select phase, origin, variation_id, metric, uncrossed, count(*) as n,
       sum(y) as sum_y, sum(x) as sum_x, sum(y * y) as sum_yy, sum(x * x) as sum_xx, sum(x * y) as sum_xy
from kept
group by phase, origin, variation_id, metric, uncrossed
order by phase, origin, variation_id, metric, uncrossed
