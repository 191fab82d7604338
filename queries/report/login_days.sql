-- name:    login_days
-- asks:    how many interactive logins that carry the experiment succeeded in each variation on each day?
-- grain:   phase, place, day_us
-- params:  none; reads kinds
-- columns: phase INTEGER, place INTEGER, day_us BIGINT, logins HUGEINT
-- This is the pace of the evidence, not a rate: failed attempts, which mostly carry no experiment, are left out.
select phase, place, day_us, sum(n) as logins
from kinds where role = 'success'::attempt_role and not sso and phase > 0 and place > 0 and judged
group by phase, place, day_us order by phase, place, day_us
