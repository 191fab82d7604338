-- While an answer is brought up to date the questions read the related events
-- in the place of all, those that were there at the moment they are asked as of.

create table before (events bigint not null, pages bigint not null);

-- The columns of the store's view of this name.
create view ev_ids as
select
    row_no,
    log_id,
    at_utc,
    epoch_us(at_utc) as at_us,
    epoch_us(assigned_utc) as assigned_us,
    coalesce(epoch_us(logged_utc), 0) as logged_us,
    shape,
    experiment,
    user_key,
    session_key,
    transaction_key
from related where row_no < (select events from before);

create view page_ids as select * from related_pages where row_no < (select pages from before);
