-- name:    quality_subjects
-- asks:    which counts of subjects stand behind the data-quality flags?
-- grain:   count
-- params:  none; reads met, forced, strata, attempts, lost, subj
-- columns: count VARCHAR, n HUGEINT
-- One row a count: joining rows of one would cost more than counting.
select 'missing_subject' as count, coalesce(sum(n), 0) as n from met where user_key = 0
union all
select 'exposed_subjects', count(distinct user_key) from met where user_key <> 0
union all
select 'forced_subjects', count(*) from forced
union all
select 'carry_over', count(distinct user_key) from strata where origin = -1
union all
select 'unplaced_attempts', coalesce(sum(a.n), 0)
from attempts a
where a.rule <> 'none'::attempt_rule and (a.phase, a.user_key, a.place) not in (select (phase, user_key, place) from subj)
union all
select 'lost', count(*) from lost
order by count
