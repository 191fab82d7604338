-- name:    returns
-- asks:    of the subjects treated first in one phase and seen in a later one, how many met a treatment first there, too?
-- grain:   from_phase, to_phase
-- params:  none; reads strata
-- columns: from_phase INTEGER, to_phase INTEGER, seen BIGINT, still HUGEINT
-- Not the same variation: an experiment that goes on under a new id may give the same treatment a new one.
select a.phase as from_phase, b.phase as to_phase, count(*) as seen,
       sum(case when b.control then 0 else 1 end) as still
from strata a join strata b on b.user_key = a.user_key and b.phase > a.phase
where not a.control
group by a.phase, b.phase order by a.phase, b.phase
