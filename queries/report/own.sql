-- name:    own
-- asks:    which variations did each subject meet in each phase, and what did it do there, by events that tell both themselves?
-- grain:   phase, user_key, place
-- params:  none; reads dated, roles
-- columns: phase INTEGER, user_key UBIGINT, place INTEGER, first_us BIGINT, suspect BOOLEAN, logins BIGINT, ok BIGINT,
--          failed BIGINT
-- Suspect events make their subject forced or test traffic. logins are successful ones, single sign-on included; ok and
-- failed are interactive attempts.
with exposures as (
    select e.phase, e.user_key, e.place, e.at_us, e.tested or e.outside as suspect,
           coalesce(roles.login, false) as login,
           coalesce(roles.role = 'success'::attempt_role and e.interactive <> 1, false) as ok,
           coalesce(roles.role = 'failure'::attempt_role, false) as failed
    from dated e
    left join roles on roles.type = e.type and roles.role in ('success', 'failure')
    where e.user_key <> 0 and e.place is not null
)
select phase, user_key, place, min(at_us) as first_us, bool_or(suspect) as suspect,
       count(*) filter (login) as logins, count(*) filter (ok) as ok, count(*) filter (failed) as failed
from exposures
group by phase, user_key, place
