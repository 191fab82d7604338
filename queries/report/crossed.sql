-- name:    crossed
-- asks:    how many subjects of each phase met more than one of its variations?
-- grain:   phase
-- params:  none; reads strata
-- columns: phase INTEGER, subjects BIGINT, crossed HUGEINT, control HUGEINT, left_control HUGEINT
select phase, count(*) as subjects,
       sum(case when variations > 1 then 1 else 0 end) as crossed,
       sum(case when control then 1 else 0 end) as control,
       sum(case when control and met_treatment then 1 else 0 end) as left_control
from strata group by phase order by phase
