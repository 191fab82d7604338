-- What a new experiment that goes on with another one needs to know of it; '' = it was not told.

alter table observations add column flag varchar default '';
alter table observations add column flow varchar default '';
alter table observations add column subject varchar default '';
