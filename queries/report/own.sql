-- name:    own
-- asks:    which variations did each subject meet in each phase, and what did it do there, by events that tell both themselves?
-- grain:   phase, user_key, place
-- params:  none; reads dated
-- columns: phase INTEGER, user_key UBIGINT, place INTEGER, first_us BIGINT, suspect BOOLEAN, logins BIGINT, ok BIGINT,
--          failed BIGINT
-- Suspect events make their subject forced or test traffic. logins are successful ones, single sign-on included; ok and
-- failed are interactive attempts.
select phase, user_key, place, min(at_us) as first_us, bool_or(tested or outside) as suspect,
       count(*) filter (login and role <> 'enrollment'::attempt_role) as logins,
       count(*) filter (role = 'success'::attempt_role and not sso) as ok,
       count(*) filter (role = 'failure'::attempt_role) as failed
from dated
where user_key <> 0 and place > 0
group by phase, user_key, place
