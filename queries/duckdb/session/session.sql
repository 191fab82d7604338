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
    until_us   bigint not null,
    enroll_us  bigint not null           -- who enrolled before is not eligible: from_us, or the begin of the scope if later
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
create type attempt_rule as enum ('', 'event', 'transaction', 'session', 'subject', 'none');

-- the event types that reports ask for, overrides included
create table roles (
    type  uinteger not null,
    role  attempt_role not null,
    login boolean not null               -- type s: the login that the plain recipe counts
);

create table test_clients (client uinteger not null);
create table test_users (user_key ubigint not null);
