-- name:    strata
-- asks:    in which stratum is each subject of each phase: its first variation there, and where it came from?
-- grain:   phase, user_key
-- params:  none; reads met, forced, arms, phases
-- columns: phase INTEGER, user_key UBIGINT, place INTEGER, first_us BIGINT, control BOOLEAN,
--          variations BIGINT, met_treatment BOOLEAN, origin INTEGER
-- Two variations first met at the same moment: the smaller place counts as the first one.
-- Origin 0: never exposed before this phase. Origin j: exposed before, always to control, last in phase j.
-- Origin -1: once exposed to a treatment in an earlier phase, so out of the comparison here.
with firsts as (      -- time and place in one number, because the smallest pair is found much faster so
    select met.phase, met.user_key, min(met.first_us * 1000 + met.place) as earliest, count(*) as variations,
           bool_or(not coalesce(arms.control, false)) as met_treatment
    from met
    left join arms on arms.phase = met.phase and arms.place = met.place
    where met.phase > 0 and met.place > 0
      and met.user_key not in (select user_key from forced)
    group by met.phase, met.user_key
), back_again as (
    select user_key from firsts where (select count(*) from phases) > 1 group by user_key having count(*) > 1
), origins as (
    select phase, user_key,
           case when lag(phase) over past is null then 0
                when bool_or(met_treatment) over (partition by user_key order by phase rows between unbounded preceding and 1 preceding) then -1
                else lag(phase) over past end as origin
    from firsts where user_key in (select user_key from back_again)
    window past as (partition by user_key order by phase)
)
select firsts.phase, firsts.user_key, (firsts.earliest % 1000)::integer as place, firsts.earliest // 1000 as first_us,
       coalesce(arms.control, false) as control, firsts.variations, firsts.met_treatment,
       coalesce(origins.origin, 0) as origin
from firsts
left join arms on arms.phase = firsts.phase and arms.place = firsts.earliest % 1000
left join origins on origins.phase = firsts.phase and origins.user_key = firsts.user_key
