-- name:    strata
-- asks:    in which stratum is each subject of each phase: its first variation there, and where it came from?
-- grain:   phase, user_key
-- params:  none; reads seen
-- columns: phase INTEGER, user_key UBIGINT, variation_id VARCHAR, first_us BIGINT, control BOOLEAN,
--          variations BIGINT, met_treatment BOOLEAN, origin INTEGER
-- Two variations first met at the same moment: the smaller id counts as the first one.
-- Origin 0: never exposed before this phase. Origin j: exposed before, always to control, last in phase j.
-- Origin -1: once exposed to a treatment in an earlier phase, so out of the comparison here.
with firsts as (
    select phase, user_key, variation_id, first_us, control,
           count(*) over met as variations,
           bool_or(not control) over met as met_treatment,
           row_number() over (partition by phase, user_key order by first_us, variation_id) as place
    from seen
    window met as (partition by phase, user_key)
), before as (
    select *,
           lag(phase) over (partition by user_key order by phase) as last_phase,
           bool_or(met_treatment) over (partition by user_key order by phase
               rows between unbounded preceding and 1 preceding) as treated_before
    from firsts where place = 1
)
select phase, user_key, variation_id, first_us, control, variations, met_treatment,
       case when last_phase is null then 0 when treated_before then -1 else last_phase end as origin
from before
