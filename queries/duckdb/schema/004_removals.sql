-- What was taken out of the store for good. Rows never go by a delete, which
-- would leave them in free blocks of the file: the store is written anew
-- without them.

-- one row a removal, without a word about whom: the rows that sources stored
-- are those that are there and those that are counted here
create table removals (
    why       varchar not null,          -- forgotten or purged
    at_us     bigint not null,
    before_us bigint not null,           -- purged: what is dated before this; else 0
    people    bigint not null,           -- forgotten: how many, those without rows included; else 0
    events    bigint not null,
    pages     bigint not null
);

-- keyed hashes of the pseudonyms of forgotten people, their sessions and
-- transactions: what a run compares new events with
create table tombstones (
    mark ubigint not null
);

-- what stays of purged events: counts, and nothing that joins them
create table purged_days (
    day           date not null,
    source        varchar not null,      -- log or page
    type          varchar not null,      -- event type code, or phase of the page
    experiment_id varchar not null,
    variation_id  varchar not null,
    n             bigint not null
);
