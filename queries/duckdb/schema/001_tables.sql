-- Tables of the embedded store. None has a primary key or an index: a load
-- checks for known rows itself, bounded by the batch's days, which stays fast
-- at any size. Names of columns that hold microseconds since 1970 end in _us.

create table meta (
    name  varchar not null,
    value varchar not null
);
-- Answers that are kept outside the store hold as long as this stays: whoever removes or changes rows replaces it.
insert into meta values ('identity', uuid()::varchar);

-- every text that events repeat, once; id 0 is the empty text
create table words (
    id   uinteger not null,
    text varchar not null
);
insert into words values (0, '');

-- one row a tenant log event, in batches grouped by experiment and variation. A
-- content hash only tells a redelivery from a conflict, so 32 bits are enough:
-- one conflict in four thousand million is taken for a redelivery.
create table events (
    log_id          ubigint not null,    -- pseudonym of the log_id text
    content         uinteger not null,   -- hash of the kept fields
    at_utc          timestamp not null,  -- the event's date
    assigned_utc    timestamp not null,  -- when the login transaction began
    logged_utc      timestamp,           -- the time inside the log_id
    type            uinteger not null,   -- ids of words, down to authenticator
    client          uinteger not null,
    connection      uinteger not null,
    strategy        uinteger not null,
    device          uinteger not null,
    experiment      uinteger not null,
    variation       uinteger not null,
    allocation      uinteger not null,
    segment         uinteger not null,
    authenticator   uinteger not null,
    user_key        ubigint not null,    -- pseudonyms; 0 means absent
    session_key     ubigint not null,
    transaction_key ubigint not null,
    control         utinyint not null,   -- 0 unknown, 1 no, 2 yes
    interactive     utinyint not null,   -- likewise
    passkey_used    boolean not null,
    test            boolean not null
);

create table page_events (
    event_id        ubigint not null,
    content         uinteger not null,
    at_utc          timestamp not null,
    phase           uinteger not null,   -- ids of words, down to variation
    experiment      uinteger not null,
    variation       uinteger not null,
    user_key        ubigint not null,
    session_key     ubigint not null,
    transaction_key ubigint not null,
    verified        boolean not null,
    future          boolean not null
);

-- records that could not become events: place and rule, never the payload
create table rejects (
    record ubigint not null,             -- keyed hash of the raw bytes
    source varchar not null,
    place  varchar not null,
    reason varchar not null,
    detail varchar not null,
    bytes  bigint not null,
    at_us  bigint not null
);

-- events that were counted instead of stored
create table filtered (
    source varchar not null,
    type   varchar not null,
    day    date not null,
    n      bigint not null
);

-- how far each source has been read, and what became of its records over all
-- runs; received = stored + duplicate + filtered + rejected
create table sources (
    source       varchar not null,
    position     varchar not null,
    watermark_us bigint not null,
    complete     boolean not null,
    at_us        bigint not null,
    runs         bigint not null,
    received     bigint not null,
    stored       bigint not null,
    duplicate    bigint not null,
    filtered     bigint not null,
    rejected     bigint not null,
    conflicts    bigint not null,        -- duplicates with other content
    marker       bigint not null         -- of the last commit: tells whether it happened
);

create table gaps (
    source     varchar not null,
    from_us    bigint not null,
    until_us   bigint not null,
    noticed_us bigint not null,
    position   varchar not null
);

-- what the tenant said of its experiments, whenever it differed from before
create table observations (
    experiment varchar not null,
    seen_us    bigint not null,
    name       varchar not null,
    status     varchar not null,
    strategy   varchar not null,
    started_us bigint not null,
    ended_us   bigint not null,
    updated_us bigint not null,
    level      integer not null,
    levels     varchar not null,         -- JSON arrays
    editable   varchar not null,
    arms       varchar not null
);
