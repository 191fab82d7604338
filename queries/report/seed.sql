-- name:    seed
-- asks:    how many logins and enrollments does the plain recipe count for each variation?
-- grain:   phase, variation_id
-- params:  none; reads kinds, page_ids, strata, enrolled, phases, scope, chain, variations, words
-- columns: phase INTEGER, variation_id VARCHAR, logins HUGEINT, sso HUGEINT, page_completed HUGEINT, log_enrolled HUGEINT
-- Events, not people: no event is left out for being forced or a repeat. Phase 0 is outside every phase.
with parts as (
    select phase, variation, n as login, case when sso then n else 0 end as single, 0 as done, 0 as logged
    from kinds where login
    union all
    select coalesce(phases.phase, 0) as phase, p.variation, 0, 0, 1, 0
    from page_ids p cross join scope
    left join phases on phases.experiment = p.experiment
         and p.at_us >= phases.from_us and p.at_us < phases.until_us
    where p.phase = 'completed' and p.experiment in (select experiment from chain)
      and p.at_us >= scope.since_us and p.at_us < scope.until_us
    union all
    select strata.phase, named.variation, 0, 0, 0, 1
    from strata join enrolled on enrolled.user_key = strata.user_key
    join phases on phases.phase = strata.phase
    join (select distinct place, variation from variations) named on named.place = strata.place
    where enrolled.log_us >= phases.enroll_us and enrolled.log_us < phases.until_us and enrolled.log_us > 0
), counted as (
    select phase, variation, sum(login) as logins, sum(single) as sso, sum(done) as page_completed,
           sum(logged) as log_enrolled
    from parts group by phase, variation
)
select c.phase, words.text as variation_id, c.logins, c.sso, c.page_completed, c.log_enrolled
from counted c join words on words.id = c.variation
order by c.phase, words.text
