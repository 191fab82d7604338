-- name:    covariates
-- asks:    what did the subjects of login success do before the experiment, beside what they do in it?
-- grain:   phase, origin, place
-- params:  none; reads subj, ev_ids, readings, phases
-- columns: phase INTEGER, origin INTEGER, place INTEGER, sum_p HUGEINT, sum_pp HUGEINT, sum_py HUGEINT, sum_px HUGEINT
-- p is the number of failed attempts that name the subject, dated before the first phase, at most 1000. Whoever has
-- none adds nothing to these sums, so an arm of such subjects has no row.
with started as (
    select min(from_us) as at_us from phases
), earlier as (
    select e.user_key, least(count(*), 1000) as p
    from ev_ids e join readings r on r.shape = e.shape cross join started
    where r.role = 'failure'::attempt_role and e.user_key <> 0 and e.at_us < started.at_us
    group by e.user_key
), observed as (
    select s.phase, s.origin, s.place, s.ok as y, s.ok + s.failed + s.lost as x, earlier.p
    from subj s join earlier on earlier.user_key = s.user_key
    where s.origin >= 0 and s.ok + s.failed + s.lost > 0
)
select phase, origin, place, sum(p) as sum_p, sum(p * p) as sum_pp, sum(p * y) as sum_py, sum(p * x) as sum_px
from observed group by phase, origin, place
order by phase, origin, place
