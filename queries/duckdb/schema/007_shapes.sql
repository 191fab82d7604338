-- What an event tells besides who and when takes few different values together, so it is kept once, and an event has
-- its id. A store of before is written anew by this step, with its rows in their order: kept answers go by that.

create table shapes (
    id            uinteger not null,     -- from 0 on, without a hole
    type          uinteger not null,     -- ids of words, down to authenticator
    client        uinteger not null,
    connection    uinteger not null,
    strategy      uinteger not null,
    device        uinteger not null,
    experiment    uinteger not null,
    variation     uinteger not null,
    allocation    uinteger not null,
    segment       uinteger not null,
    authenticator uinteger not null,
    control       utinyint not null,     -- 0 unknown, 1 no, 2 yes
    interactive   utinyint not null,     -- likewise
    passkey_used  boolean not null,
    test          boolean not null
);
insert into shapes
select row_number() over (order by first) - 1, type, client, connection, strategy, device, experiment, variation,
       allocation, segment, authenticator, control, interactive, passkey_used, test
from (
    select type, client, connection, strategy, device, experiment, variation, allocation, segment, authenticator,
           control, interactive, passkey_used, test, min(rowid) as first
    from events group by all
);

alter table events rename to events_before;
-- one row a tenant log event, in batches grouped by experiment and variation
create table events (
    log_id          ubigint not null,    -- pseudonym of the log_id text
    content         uinteger not null,   -- hash of the kept fields
    at_utc          timestamp not null,  -- the event's date
    assigned_utc    timestamp not null,  -- when the login transaction began
    logged_utc      timestamp,           -- the time inside the log_id
    shape           uinteger not null,   -- id
    experiment      uinteger not null,   -- of the shape: a question passes by the events of other experiments by it
    user_key        ubigint not null,    -- pseudonyms; 0 means absent
    session_key     ubigint not null,
    transaction_key ubigint not null
);
insert into events
select e.log_id, e.content, e.at_utc, e.assigned_utc, e.logged_utc, s.id, e.experiment, e.user_key, e.session_key, e.transaction_key
from events_before e
join shapes s on s.type = e.type and s.client = e.client and s.connection = e.connection and s.strategy = e.strategy
     and s.device = e.device and s.experiment = e.experiment and s.variation = e.variation and s.allocation = e.allocation
     and s.segment = e.segment and s.authenticator = e.authenticator and s.control = e.control
     and s.interactive = e.interactive and s.passkey_used = e.passkey_used and s.test = e.test
order by e.rowid;
drop table events_before;

-- The readable columns, as before.
create or replace view ev as
select
    e.log_id,
    e.at_utc,
    epoch_us(e.at_utc) as at_us,
    epoch_us(e.assigned_utc) as assigned_us,
    coalesce(epoch_us(e.logged_utc), 0) as logged_us,
    type.text as type,
    client.text as client_id,
    e.user_key,
    e.session_key,
    e.transaction_key,
    experiment.text as experiment_id,
    variation.text as variation_id,
    s.control,
    allocation.text as allocation,
    s.interactive,
    s.passkey_used,
    authenticator.text as authenticator,
    s.test
from events e
join shapes s on s.id = e.shape
join words type on type.id = s.type
join words client on client.id = s.client
join words experiment on experiment.id = s.experiment
join words variation on variation.id = s.variation
join words allocation on allocation.id = s.allocation
join words authenticator on authenticator.id = s.authenticator;

create or replace view ev_full as
select
    e.log_id,
    e.at_utc,
    epoch_us(e.at_utc) as at_us,
    epoch_us(e.assigned_utc) as assigned_us,
    coalesce(epoch_us(e.logged_utc), 0) as logged_us,
    type.text as type,
    client.text as client_id,
    connection.text as connection,
    strategy.text as strategy,
    device.text as device,
    e.user_key,
    e.session_key,
    e.transaction_key,
    experiment.text as experiment_id,
    variation.text as variation_id,
    s.control,
    allocation.text as allocation,
    segment.text as segment_id,
    s.interactive,
    s.passkey_used,
    authenticator.text as authenticator,
    s.test
from events e
join shapes s on s.id = e.shape
join words type on type.id = s.type
join words client on client.id = s.client
join words connection on connection.id = s.connection
join words strategy on strategy.id = s.strategy
join words device on device.id = s.device
join words experiment on experiment.id = s.experiment
join words variation on variation.id = s.variation
join words allocation on allocation.id = s.allocation
join words segment on segment.id = s.segment
join words authenticator on authenticator.id = s.authenticator;

-- The columns that reports ask from, next to what a report makes of each shape.
create or replace view ev_ids as
select
    e.rowid as row_no,
    e.log_id,
    e.at_utc,
    epoch_us(e.at_utc) as at_us,
    epoch_us(e.assigned_utc) as assigned_us,
    coalesce(epoch_us(e.logged_utc), 0) as logged_us,
    e.shape,
    e.experiment,
    e.user_key,
    e.session_key,
    e.transaction_key
from events e;
