-- name:    login_days
-- asks:    how many interactive logins that carry the experiment succeeded in each variation on each day?
-- grain:   phase, place, day_us
-- params:  none; reads ev_ids, scope, chain, periods, variations, roles, forced, test_clients, test_users
-- columns: phase INTEGER, place INTEGER, day_us BIGINT, logins HUGEINT
-- This is the pace of the evidence, not a rate: failed attempts, which mostly carry no experiment, are left out.
-- Left joins, because of inner ones DuckDB expects few rows and may then hold all events to look up the few in them.
with days as (
    select coalesce(periods.phase, 0) as phase, coalesce(variations.place, 0) as place,
           e.at_us - e.at_us % 86400000000 as day_us,
           count_if(roles.type is not null and periods.phase is not null and variations.place is not null) as logins
    from ev_ids e
    cross join scope
    left join roles on roles.type = e.type and roles.role = 'success'
    left join variations on variations.experiment = e.experiment and variations.variation = e.variation
    left join periods on periods.experiment = e.experiment
         and e.assigned_us >= periods.from_us and e.assigned_us < periods.until_us
    where e.interactive <> 1 and not e.test and e.experiment in (select experiment from chain)
      and e.at_us >= scope.since_us and e.at_us < scope.until_us
      and e.client not in (select client from test_clients) and e.user_key not in (select user_key from test_users)
      and e.user_key not in (select user_key from forced)
    group by 1, 2, 3
)
select phase, place, day_us, logins from days where logins > 0 order by phase, place, day_us
