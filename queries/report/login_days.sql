-- name:    login_days
-- asks:    how many interactive logins that carry the experiment succeeded in each variation on each day?
-- grain:   phase, place, day_us
-- params:  none; reads ev_ids, scope, chain, periods, variations, roles, forced, test_clients, test_users
-- columns: phase INTEGER, place INTEGER, day_us BIGINT, logins BIGINT
-- This is the pace of the evidence, not a rate: failed attempts, which mostly carry no experiment, are left out.
select periods.phase, variations.place, e.at_us - e.at_us % 86400000000 as day_us, count(*) as logins
from ev_ids e
join roles on roles.type = e.type
join variations on variations.experiment = e.experiment and variations.variation = e.variation
join periods on periods.experiment = e.experiment and e.assigned_us >= periods.from_us and e.assigned_us < periods.until_us
cross join scope
where roles.role = 'success' and e.interactive <> 1 and not e.test
  and e.at_us >= scope.since_us and e.at_us < scope.until_us
  and e.client not in (select client from test_clients) and e.user_key not in (select user_key from test_users)
  and not exists (select 1 from forced where forced.user_key = e.user_key)
group by periods.phase, variations.place, day_us
order by periods.phase, variations.place, day_us
