-- name:    page_conflicts
-- asks:    how many page events of the batch differ from what is kept under their id?
-- columns: n BIGINT
-- A kept content of 0 is not known and differs from none.
select count(*) as n
from batch_pages() s left join known_pages known on known.event_id = s.event_id
where case when known.event_id is null then s.again = 2 else known.content not in (0, s.content) end
