-- The tables that say what a report asks about. The questions in
-- the folder report read them beside the views, so none of them has parameters.
-- Texts that events repeat stand here as the store keeps them, as ids of words.

create table scope (
    since_us bigint not null,            -- inclusive
    until_us bigint not null,            -- exclusive
    passkey  uinteger not null,          -- the authenticator that an enrollment is about
    segment  uinteger not null           -- the allocation that goes by segments
);

-- the experiment and those that it continues
create table chain (experiment uinteger not null);

-- When which phase was open to logins that began then: for each experiment its
-- own phases, and under `elsewhere`, for events of any other experiment or of
-- none, stretches that do not overlap. An open phase ends in the far future.
create table periods (
    experiment uinteger not null,
    phase      integer not null,         -- 1, 2, … in order of time
    from_us    bigint not null,          -- inclusive
    until_us   bigint not null,          -- exclusive
    grace_until_us bigint not null,      -- exclusive; until then a login that began after it may be in flight
    session_until_us bigint not null     -- likewise one without a prompt, of a session that began in it
);

create table phases (
    phase      integer not null,
    experiment uinteger not null,
    from_us    bigint not null,
    until_us   bigint not null
);

create table arms (
    phase   integer not null,
    place   integer not null,
    control boolean not null
);

-- Every variation that some phase of an experiment gives out. Places count the
-- ids from 1 in the order of their texts: of two places the smaller is the smaller id.
create table variations (
    experiment uinteger not null,
    variation  uinteger not null,
    place      integer not null
);

-- Texts of few values are a byte each in the tables of a report.
create type attempt_role as enum ('', 'success', 'failure', 'enrollment');
create type thread_kind  as enum ('transaction', 'session');
create type attempt_rule as enum ('', 'event', 'transaction', 'session', 'subject', 'none');

-- the event types that reports ask for, overrides included
create table roles (
    type  uinteger not null,
    role  attempt_role not null,
    login boolean not null               -- type s: the login that the plain recipe counts
);

create table test_clients (client uinteger not null);
create table test_users (user_key ubigint not null);

-- The events of the scope, each with the place of its variation, which is null when the experiment has no such one, and
-- the phase of its experiment that was open when its login began. Phase 0 means that none was: the assignment was forced
-- (outside), or the login was in flight when a phase ended (in_flight: within the grace after it, or without a prompt,
-- since a session keeps the variation that it began with). tested: it is a test by what the configuration says.
-- Variations are joined first, so that a question for events without a place has no others dated.
create view dated as
select e.*, variations.place,
       case when e.assigned_us < periods.until_us then periods.phase else 0 end as phase,
       periods.phase is not null and e.assigned_us >= periods.until_us as in_flight,
       periods.phase is null as outside,
       e.test or e.client in (select client from test_clients) or e.user_key in (select user_key from test_users) as tested
from ev_ids e
left join variations on variations.experiment = e.experiment and variations.variation = e.variation
cross join scope
left join periods on periods.experiment = e.experiment
     and e.assigned_us >= periods.from_us
     and e.assigned_us < case when e.interactive = 1 then periods.session_until_us else periods.grace_until_us end
where e.at_us >= scope.since_us and e.at_us < scope.until_us;
