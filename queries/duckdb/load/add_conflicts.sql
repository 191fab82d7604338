-- name:    add_conflicts
-- asks:    keep which copies of the batch differ from what is kept under their id, each content once
-- A content of 0 is not known, since it was of older pseudonyms.
insert into conflicts
select s.record, s.content, min_by(s.source, s.n), min(s.at_us)
from batch_conflicts() s
where not exists (select 1 from conflicts c where c.record = s.record and c.content in (0, s.content))
group by s.record, s.content
