-- name:    event_conflicts
-- asks:    how many events of the batch differ from what is kept under their log_id?
-- columns: n BIGINT
-- A kept content of 0 is not known and differs from none.
-- An id that the store does not know keeps the content of its first row in the batch.
select count(*) as n
from batch_events() s left join known_events known on known.log_id = s.log_id
where case when known.log_id is null then s.again = 2 else known.content not in (0, s.content) end
