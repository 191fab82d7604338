-- name:    seed
-- asks:    how many logins and enrollments does the plain recipe count for each variation?
-- grain:   phase, variation_id
-- params:  none; reads carried, page, strata, enrolled, phases, scope, chain
-- columns: phase INTEGER, variation_id VARCHAR, logins HUGEINT, sso HUGEINT, page_completed HUGEINT, log_enrolled HUGEINT
-- Events, not people: no event is left out for being forced or a repeat. Phase 0 is outside every phase.
with parts as (
    select phase, variation_id, count(*) as login, sum(case when interactive = 1 then 1 else 0 end) as single,
           0 as done, 0 as logged
    from carried where type = 's' group by phase, variation_id
    union all
    select coalesce(phases.phase, 0) as phase, p.variation_id, 0, 0, 1, 0
    from page p cross join scope
    left join phases on phases.experiment_id = p.experiment_id
         and p.at_us >= phases.from_us and p.at_us < phases.until_us
    where p.phase = 'completed' and p.experiment_id in (select experiment_id from chain)
      and p.at_us >= scope.since_us and p.at_us < scope.until_us
    union all
    select strata.phase, strata.variation_id, 0, 0, 0, 1
    from strata join enrolled on enrolled.user_key = strata.user_key
    join phases on phases.phase = strata.phase
    where enrolled.log_us >= phases.from_us and enrolled.log_us < phases.until_us and enrolled.log_us > 0
)
select phase, variation_id, sum(login) as logins, sum(single) as sso, sum(done) as page_completed,
       sum(logged) as log_enrolled
from parts group by phase, variation_id order by phase, variation_id
