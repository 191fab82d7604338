-- name:    met
-- asks:    which variations did each subject meet in each phase, when first, and what did it do there?
-- grain:   phase, user_key, place
-- params:  none; reads ev_ids, scope, periods, variations, roles, test_clients, test_users, untold, threads
-- columns: phase INTEGER, user_key UBIGINT, place INTEGER, first_us BIGINT, suspect BOOLEAN, logins BIGINT, ok BIGINT,
--          failed BIGINT
-- An event without a user takes the user of its transaction, then of its session. Suspect events make their subject
-- forced or test traffic: begun outside every phase and not in flight, or named by the configuration. logins are
-- successful ones, single sign-on included; ok and failed are interactive attempts. They are those whose own event
-- tells both the user and the variation; the question told has the others.
with exposures as (
    select case when e.assigned_us < periods.until_us then periods.phase else 0 end as phase,
           e.user_key, variations.place, e.at_us,
           periods.phase is null or e.test or e.client in (select client from test_clients)
               or e.user_key in (select user_key from test_users) as suspect,
           coalesce(roles.login, false) as login,
           coalesce(roles.role = 'success'::attempt_role and e.interactive <> 1, false) as ok,
           coalesce(roles.role = 'failure'::attempt_role, false) as failed
    from ev_ids e
    cross join scope
    join variations on variations.experiment = e.experiment and variations.variation = e.variation
    left join roles on roles.type = e.type and roles.role in ('success', 'failure')
    left join periods on periods.experiment = e.experiment
         and e.assigned_us >= periods.from_us
         and e.assigned_us < case when e.interactive = 1 then periods.session_until_us else periods.grace_until_us end
    where e.user_key <> 0 and e.at_us >= scope.since_us and e.at_us < scope.until_us
    union all
    select u.phase,
           case when u.user_key <> 0 then u.user_key
                when coalesce(t.user_key, 0) <> 0 then t.user_key
                else coalesce(s.user_key, 0::ubigint) end as user_key,
           u.place, u.at_us, u.tested or (u.phase = 0 and not u.in_flight), false, false, false
    from untold u
    left join threads t on t.kind = 'transaction'::thread_kind and t.thread_key = u.transaction_key
    left join threads s on s.kind = 'session'::thread_kind and s.thread_key = u.session_key
    where u.carried
)
select phase, user_key, place, min(at_us) as first_us, bool_or(suspect) as suspect,
       count(*) filter (login) as logins, count(*) filter (ok) as ok, count(*) filter (failed) as failed
from exposures where user_key <> 0
group by phase, user_key, place
