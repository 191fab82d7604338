-- While an answer is brought up to date the questions read the related events
-- in the place of all, those that were there at the moment they are asked as of.

create table before (events bigint not null, pages bigint not null);

create view ev_ids as select * from related where row_no < (select events from before);

create view page_ids as select * from related_pages where row_no < (select pages from before);
