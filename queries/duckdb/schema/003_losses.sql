-- What a report may lack is told by the time that it is about, so rejects keep the date of the
-- record and conflicts are kept one by one.

-- the date that the record gives, 0 = it could not be read; and what the record was read as
alter table rejects add column dated_us bigint default 0;
alter table rejects add column kind varchar default '';     -- log or page; '' = not noted

-- copies of events that differ from what came first, which stays: one row a content
create table conflicts (
    record  ubigint not null,            -- log_id or event_id
    content uinteger not null,           -- hash of the copy's kept fields
    source  varchar not null,
    at_us   bigint not null              -- the date that the copy gives
);
