-- What a new experiment that goes on with another one needs to know of it; '' = it was not told.

alter table observations add column flag varchar default '';
alter table observations add column flow varchar default '';
alter table observations add column subject varchar default '';

-- calls of the Management API that changed an experiment, as the tenant's log tells them
create table calls (
    call       ubigint not null,         -- pseudonym of the log_id
    experiment varchar not null,
    at_us      bigint not null,
    status     varchar not null,         -- asked for; '' = as it was
    level      integer not null,         -- likewise; -1 = as it was
    arms       varchar not null          -- the new allocations, a JSON array; [] = as they were
);
