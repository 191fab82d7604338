-- name:    quality_subjects
-- asks:    which counts of subjects stand behind the data-quality flags?
-- grain:   count
-- params:  none; reads traced, met, forced, strata, told, kinds, lost, subj
-- columns: count VARCHAR, n HUGEINT
-- One row a count: joining rows of one would cost more than counting. An attempt whose own event tells user and
-- variation has a subject unless no phase was open.
select 'missing_subject' as count, count(*)::hugeint as n from traced where user_key = 0
union all
select 'exposed_subjects', count(distinct user_key) from met
union all
select 'forced_subjects', count(*) from forced
union all
select 'carry_over', count(distinct user_key) from strata where origin = -1
union all
select 'unplaced_attempts', coalesce(sum(n), 0)
from (
    select n from kinds where role <> ''::attempt_role and phase = 0 and place > 0 and named and judged
    union all
    select 1 from told
    where rule <> 'none'::attempt_rule and (phase, user_key, place) not in (select (phase, user_key, place) from subj)
)
union all
select 'nameless_failures', count(*) from told where role = 'failure'::attempt_role and user_key = 0 and place <> 0
union all
select 'lost', count(*) from lost
order by count
