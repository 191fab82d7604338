-- name:    met_pages
-- asks:    of the page events of each part of the batch, how many does the store know that no row before told of, and how many
--          differ from what is kept under their event_id?
-- columns: part UINTEGER, known BIGINT, conflicts BIGINT
-- A kept content of 0 is not known and differs from none.
select s.part,
       count(*) filter (known.event_id is not null and s.again = 0) as known,
       count(*) filter (known.event_id is null or known.content not in (0, s.content)) as conflicts
from batch_pages() s left join known_pages known on known.event_id = s.event_id
where known.event_id is not null or s.again = 2
group by s.part
