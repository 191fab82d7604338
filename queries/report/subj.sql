-- name:    subj
-- asks:    what did each subject do in each stratum, for each variation it met there?
-- grain:   phase, user_key, place
-- params:  none; reads met, strata, attempts, lost, enrolled, phases
-- columns: phase INTEGER, origin INTEGER, place INTEGER, user_key UBIGINT, is_first BOOLEAN, crossed BOOLEAN,
--          first_us BIGINT, eligible BOOLEAN, enrolled BOOLEAN, enrolled_us BIGINT, logins BIGINT,
--          ok BIGINT, failed BIGINT, lost BIGINT
-- is_first marks the row of the first exposure, which alone carries the enrollment and the subject's logins
-- (all successful ones of the phase, single sign-on included). ok and failed are interactive attempts of the
-- row's own variation. eligible: not enrolled before the phase began. enrolled: eligible, and enrolled in the phase.
with deeds as (       -- rows of two kinds, added up below: one join instead of two
    select phase, user_key, place, case when login and rule = 'event'::attempt_rule then n else 0 end as logins,
           case when role = 'success'::attempt_role and not sso then n else 0 end as ok,
           case when role = 'failure'::attempt_role then n else 0 end as failed, 0 as lost
    from attempts where place <> 0 and user_key <> 0
    union all
    select l.phase, l.user_key, case when met.place is not null then met.place else strata.place end, 0, 0, 0, 1
    from lost l
    join strata on strata.phase = l.phase and strata.user_key = l.user_key
    left join met on met.phase = l.phase and met.user_key = l.user_key and met.place = l.place and met.place > 0
), done as (
    select phase, user_key, place, sum(logins) as logins, sum(ok) as ok, sum(failed) as failed, sum(lost) as lost
    from deeds group by phase, user_key, place
), of_crossed as (    -- all logins of those who met several variations: they count for the first one
    select done.phase, done.user_key, sum(done.logins) as logins
    from done join strata on strata.phase = done.phase and strata.user_key = done.user_key
    where strata.variations > 1
    group by done.phase, done.user_key
)
select met.phase, strata.origin, met.place, met.user_key,
       met.place = strata.place as is_first,
       strata.variations > 1 as crossed,
       met.first_us,
       enrolled.first_us is null or enrolled.first_us >= phases.from_us as eligible,
       enrolled.first_us is not null and enrolled.first_us >= phases.from_us
           and enrolled.first_us < phases.until_us as enrolled,
       coalesce(enrolled.first_us, 0) as enrolled_us,
       case when met.place <> strata.place then 0
            when strata.variations > 1 then coalesce(of_crossed.logins, 0)
            else coalesce(done.logins, 0) end::bigint as logins,
       coalesce(done.ok, 0)::bigint as ok,
       coalesce(done.failed, 0)::bigint as failed,
       coalesce(done.lost, 0)::bigint as lost
from met
join strata on strata.phase = met.phase and strata.user_key = met.user_key
join phases on phases.phase = met.phase
left join enrolled on enrolled.user_key = met.user_key
left join done on done.phase = met.phase and done.user_key = met.user_key and done.place = met.place
left join of_crossed on of_crossed.phase = met.phase and of_crossed.user_key = met.user_key
where met.place > 0
