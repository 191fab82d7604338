-- name:    returns
-- asks:    of the subjects treated first in one phase and seen in a later one, how many met the same treatment first?
-- grain:   from_phase, to_phase
-- params:  none; reads strata
-- columns: from_phase INTEGER, to_phase INTEGER, seen BIGINT, still HUGEINT
select a.phase as from_phase, b.phase as to_phase, count(*) as seen,
       sum(case when a.place = b.place then 1 else 0 end) as still
from strata a join strata b on b.user_key = a.user_key and b.phase > a.phase
where not a.control
group by a.phase, b.phase order by a.phase, b.phase
