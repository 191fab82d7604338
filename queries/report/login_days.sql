-- name:    login_days
-- asks:    how many interactive logins that carry the experiment succeeded in each variation on each day?
-- grain:   phase, variation_id, day_us
-- params:  none; reads carried, roles, forced
-- columns: phase INTEGER, variation_id VARCHAR, day_us BIGINT, logins BIGINT
-- This is the pace of the evidence, not a rate: failed attempts, which mostly carry no experiment, are left out.
select c.phase, c.variation_id, c.at_us - c.at_us % 86400000000 as day_us, count(*) as logins
from carried c join roles on roles.type = c.type
where roles.role = 'success' and c.interactive <> 1 and c.known and c.phase > 0 and not c.tested
  and c.user_key not in (select user_key from forced)
group by c.phase, c.variation_id, day_us
order by c.phase, c.variation_id, day_us
