-- name:    subj
-- asks:    what did each subject do in each stratum, for each variation it met there?
-- grain:   phase, user_key, variation_id
-- params:  none; reads seen, strata, attempts, lost, enrolled, phases
-- columns: phase INTEGER, origin INTEGER, variation_id VARCHAR, user_key UBIGINT, is_first BOOLEAN, crossed BOOLEAN,
--          first_us BIGINT, eligible BOOLEAN, enrolled BOOLEAN, enrolled_us BIGINT, logins BIGINT,
--          ok BIGINT, failed BIGINT, lost BIGINT
-- is_first marks the row of the first exposure, which alone carries the enrollment and the subject's logins
-- (all successful ones of the phase, single sign-on included). ok and failed are interactive attempts of the
-- row's own variation. eligible: not enrolled before the phase began. enrolled: eligible, and enrolled in the phase.
with tried as (
    select phase, user_key, variation_id,
           sum(case when role = 'success' and not sso then n else 0 end) as ok,
           sum(case when role = 'failure' then n else 0 end) as failed
    from attempts where variation_id <> '' and user_key <> 0
    group by phase, user_key, variation_id
), logged_in as (
    select phase, user_key, sum(n) as logins
    from attempts where type = 's' and rule = 'event' and user_key <> 0
    group by phase, user_key
), vanished as (
    select l.phase, l.user_key,
           case when seen.variation_id is not null then seen.variation_id else strata.variation_id end as variation_id,
           count(*) as lost
    from lost l
    join strata on strata.phase = l.phase and strata.user_key = l.user_key
    left join seen on seen.phase = l.phase and seen.user_key = l.user_key and seen.variation_id = l.variation_id
    group by all
)
select seen.phase, strata.origin, seen.variation_id, seen.user_key,
       seen.variation_id = strata.variation_id as is_first,
       strata.variations > 1 as crossed,
       seen.first_us,
       enrolled.first_us is null or enrolled.first_us >= phases.from_us as eligible,
       enrolled.first_us is not null and enrolled.first_us >= phases.from_us
           and enrolled.first_us < phases.until_us as enrolled,
       coalesce(enrolled.first_us, 0) as enrolled_us,
       coalesce(logged_in.logins, 0)::bigint as logins,
       coalesce(tried.ok, 0)::bigint as ok,
       coalesce(tried.failed, 0)::bigint as failed,
       coalesce(vanished.lost, 0) as lost
from seen
join strata on strata.phase = seen.phase and strata.user_key = seen.user_key
join phases on phases.phase = seen.phase
left join enrolled on enrolled.user_key = seen.user_key
left join tried on tried.phase = seen.phase and tried.user_key = seen.user_key
               and tried.variation_id = seen.variation_id
left join logged_in on logged_in.phase = seen.phase and logged_in.user_key = seen.user_key
left join vanished on vanished.phase = seen.phase and vanished.user_key = seen.user_key
                  and vanished.variation_id = seen.variation_id
