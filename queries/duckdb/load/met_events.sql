-- name:    met_events
-- asks:    of the events of each part of the batch, how many does the store know that no row before told of, and how many
--          differ from what is kept under their log_id?
-- columns: part UINTEGER, known BIGINT, conflicts BIGINT
-- A kept content of 0 is not known and differs from none.
-- An id that the store does not know keeps the content of its first row in the batch.
select s.part,
       count(*) filter (known.log_id is not null and s.again = 0) as known,
       count(*) filter (known.log_id is null or known.content not in (0, s.content)) as conflicts
from batch_events() s left join known_events known on known.log_id = s.log_id
where known.log_id is not null or s.again = 2
group by s.part
