-- name:    add_event_conflicts
-- asks:    keep which of the batch's events differ from what is kept under their log_id, each content once
-- params:  $sources VARCHAR[] (of the parts of the batch)
insert into conflicts
select s.log_id, s.content, $sources[min(s.part)::integer + 1], min(s.at_us)
from batch_events() s left join known_events known on known.log_id = s.log_id
where case when known.log_id is null then s.again = 2 else known.content not in (0, s.content) end
  and not exists (select 1 from conflicts c where c.record = s.log_id and c.content = s.content)
group by s.log_id, s.content
