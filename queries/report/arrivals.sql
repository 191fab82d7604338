-- name:    arrivals
-- asks:    on which day was each subject first seen in its stratum, and on which did its enrollment become known?
-- grain:   phase, origin, place, day_us
-- params:  none; reads subj
-- columns: phase INTEGER, origin INTEGER, place INTEGER, day_us BIGINT, subjects HUGEINT, eligible HUGEINT,
--          enrolled HUGEINT
-- An enrollment becomes known on the later of the day of exposure and the day of enrollment.
with days as (
    select phase, origin, place, first_us - first_us % 86400000000 as day_us,
           1 as subject, case when eligible then 1 else 0 end as fit, 0 as done
    from subj where is_first and origin >= 0
    union all
    select phase, origin, place,
           greatest(first_us, enrolled_us) - greatest(first_us, enrolled_us) % 86400000000 as day_us,
           0 as subject, 0 as fit, 1 as done
    from subj where is_first and origin >= 0 and enrolled
)
select phase, origin, place, day_us, sum(subject) as subjects, sum(fit) as eligible, sum(done) as enrolled
from days group by phase, origin, place, day_us
order by phase, origin, place, day_us
