-- name:    keep_conflicts
-- asks:    keep the copies that differ from an event which stays
-- params:  none; reads fresh.events, fresh.page_events
insert into fresh.conflicts
select * from store.conflicts
where record in (select log_id from fresh.events union all select event_id from fresh.page_events)
