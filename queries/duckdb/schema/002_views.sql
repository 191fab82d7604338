-- The readable columns that every shared question asks from. The moment is
-- `at_utc` (TIMESTAMP) and `at_us` (microseconds): a bare `at` is a reserved word.

-- Each word costs a join, and planning many joins costs more than running them
-- on a small store: ev has the words that reports ask for, ev_full all of them,
-- log_times none.

create view ev as
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
    e.control,
    allocation.text as allocation,
    e.interactive,
    e.passkey_used,
    authenticator.text as authenticator,
    e.test
from events e
join words type on type.id = e.type
join words client on client.id = e.client
join words experiment on experiment.id = e.experiment
join words variation on variation.id = e.variation
join words allocation on allocation.id = e.allocation
join words authenticator on authenticator.id = e.authenticator;

create view ev_full as
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
    e.control,
    allocation.text as allocation,
    segment.text as segment_id,
    e.interactive,
    e.passkey_used,
    authenticator.text as authenticator,
    e.test
from events e
join words type on type.id = e.type
join words client on client.id = e.client
join words connection on connection.id = e.connection
join words strategy on strategy.id = e.strategy
join words device on device.id = e.device
join words experiment on experiment.id = e.experiment
join words variation on variation.id = e.variation
join words allocation on allocation.id = e.allocation
join words segment on segment.id = e.segment
join words authenticator on authenticator.id = e.authenticator;

create view log_times as
select epoch_us(at_utc) as at_us from events;

create view page_times as
select epoch_us(at_utc) as at_us from page_events;

create view page as
select
    p.event_id,
    p.at_utc,
    epoch_us(p.at_utc) as at_us,
    phase.text as phase,
    experiment.text as experiment_id,
    variation.text as variation_id,
    p.user_key,
    p.session_key,
    p.transaction_key,
    p.verified,
    p.future
from page_events p
join words phase on phase.id = p.phase
join words experiment on experiment.id = p.experiment
join words variation on variation.id = p.variation;

-- The columns that reports ask from: ids of words instead of texts, because a
-- report compares them and hardly ever prints them. Rows are numbered in the
-- order in which they were added.
create view ev_ids as
select
    e.rowid as row_no,
    e.log_id,
    e.at_utc,
    epoch_us(e.at_utc) as at_us,
    epoch_us(e.assigned_utc) as assigned_us,
    coalesce(epoch_us(e.logged_utc), 0) as logged_us,
    e.type,
    e.client,
    e.experiment,
    e.variation,
    e.user_key,
    e.session_key,
    e.transaction_key,
    e.interactive,
    e.authenticator,
    e.allocation,
    e.test
from events e;

create view page_ids as
select
    p.rowid as row_no,
    p.event_id,
    epoch_us(p.at_utc) as at_us,
    phase.text as phase,
    p.experiment,
    p.variation,
    p.user_key,
    p.verified
from page_events p
join words phase on phase.id = p.phase;
