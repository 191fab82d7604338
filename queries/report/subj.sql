-- name:    subj
-- asks:    what did each subject do in each stratum, for each variation it met there?
-- grain:   phase, user_key, place
-- params:  none; reads met, strata, told, lost, enrolled, phases
-- columns: phase INTEGER, origin INTEGER, place INTEGER, user_key UBIGINT, is_first BOOLEAN, crossed BOOLEAN,
--          first_us BIGINT, eligible BOOLEAN, enrolled BOOLEAN, enrolled_us BIGINT, logins BIGINT,
--          ok BIGINT, failed BIGINT, lost BIGINT
-- is_first marks the row of the first exposure, which alone carries the enrollment and the subject's logins
-- (all successful ones of the phase, single sign-on included). ok and failed are interactive attempts of the
-- row's own variation. eligible: not enrolled before the phase, or what is asked about of it, began. enrolled: eligible,
-- and enrolled in the phase.
with deeds as (       -- rows of two kinds, added up below: one join instead of two
    select phase, user_key, place, login and rule = 'event'::attempt_rule as login,
           role = 'success'::attempt_role and not sso as ok, role = 'failure'::attempt_role as failed, false as lost
    from told where place <> 0 and user_key <> 0
    union all
    select l.phase, l.user_key, case when met.place is not null then met.place else strata.place end, false, false, false, true
    from lost l
    join strata on strata.phase = l.phase and strata.user_key = l.user_key
    left join met on met.phase = l.phase and met.user_key = l.user_key and met.place = l.place and met.place > 0
), more as (
    select phase, user_key, place, count(*) filter (login) as logins, count(*) filter (ok) as ok,
           count(*) filter (failed) as failed, count(*) filter (lost) as lost
    from deeds group by phase, user_key, place
), done as (
    select met.phase, strata.origin, met.place, met.user_key, met.place = strata.place as is_first,
           strata.variations > 1 as crossed, met.first_us,
           met.logins + coalesce(more.logins, 0) as logins, met.ok + coalesce(more.ok, 0) as ok,
           met.failed + coalesce(more.failed, 0) as failed, coalesce(more.lost, 0) as lost
    from met
    join strata on strata.phase = met.phase and strata.user_key = met.user_key
    left join more on more.phase = met.phase and more.user_key = met.user_key and more.place = met.place
    where met.place > 0
), of_crossed as (    -- all logins of those who met several variations: they count for the first one
    select phase, user_key, sum(logins)::bigint as logins from done where crossed group by phase, user_key
)
select done.phase, done.origin, done.place, done.user_key, done.is_first, done.crossed, done.first_us,
       enrolled.first_us is null or enrolled.first_us >= phases.enroll_us as eligible,
       enrolled.first_us is not null and enrolled.first_us >= phases.enroll_us
           and enrolled.first_us < phases.until_us as enrolled,
       coalesce(enrolled.first_us, 0) as enrolled_us,
       case when not done.is_first then 0 when done.crossed then of_crossed.logins else done.logins end as logins,
       done.ok, done.failed, done.lost
from done
join phases on phases.phase = done.phase
left join enrolled on enrolled.user_key = done.user_key
left join of_crossed on of_crossed.phase = done.phase and of_crossed.user_key = done.user_key
