-- The experiment's events in the scope, each with what its shape is read as and the phase of its experiment that was open
-- when its login began. Phase 0 means that none was: the assignment was forced (outside), or the login was in flight
-- when a phase ended (in_flight: within the grace after it, or without a prompt, since a session keeps the variation that
-- it began with). tested: it is a test by what the configuration says.
create view dated as
select e.*, r.variation, r.type, r.place, r.role, r.login, r.sso, r.segmented,
       case when e.assigned_us < periods.until_us then periods.phase else 0 end as phase,
       periods.phase is not null and e.assigned_us >= periods.until_us as in_flight,
       periods.phase is null as outside,
       r.test or e.user_key in (select user_key from test_users) as tested
from ev_ids e
join readings r on r.shape = e.shape
left join periods on periods.experiment = e.experiment
     and e.assigned_us >= periods.from_us
     and e.assigned_us < case when r.sso then periods.session_until_us else periods.grace_until_us end
where e.experiment in (select experiment from chain) and e.at_us >= r.since_us and e.at_us < r.until_us;
