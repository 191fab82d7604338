-- name:    add_page_conflicts
-- asks:    keep which of the batch's page events differ from what is kept under their event_id, each content once
-- params:  $sources VARCHAR[] (of the parts of the batch)
insert into conflicts
select s.event_id, s.content, $sources[min(s.part)::integer + 1], min(s.at_us)
from batch_pages() s left join known_pages known on known.event_id = s.event_id
where case when known.event_id is null then s.again = 2 else known.content not in (0, s.content) end
  and not exists (select 1 from conflicts c where c.record = s.event_id and c.content = s.content)
group by s.event_id, s.content
