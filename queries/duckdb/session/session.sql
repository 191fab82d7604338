-- The temporary tables that say what a report asks about. The questions in
-- the folder report read them beside the views, so none of them has parameters.

create temp table scope (
    since_us bigint not null,            -- inclusive
    until_us bigint not null             -- exclusive
);

-- the experiment and those that it continues
create temp table chain (experiment_id varchar not null);

-- periods with one set of weights; a phase that is open ends in the far future
create temp table phases (
    phase         integer not null,      -- 1, 2, … in order of time
    experiment_id varchar not null,
    from_us       bigint not null,       -- inclusive
    until_us      bigint not null,       -- exclusive
    grace_until_us bigint not null       -- exclusive; until then a login that began in it may be in flight
);

create temp table arms (
    phase        integer not null,
    variation_id varchar not null,
    control      boolean not null
);

-- every variation that some phase of an experiment gives out
create temp table variations (
    experiment_id varchar not null,
    variation_id  varchar not null
);

-- what each event type means, overrides included
create temp table roles (
    type varchar not null,
    role varchar not null
);

create temp table test_clients (client_id varchar not null);
create temp table test_users (user_key ubigint not null);
