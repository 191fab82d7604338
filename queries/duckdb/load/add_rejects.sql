-- name:    add_rejects
-- asks:    keep the batch's rejects, each record once
insert into rejects
select record, arg_min(source, rowid), arg_min(place, rowid), arg_min(reason, rowid), arg_min(detail, rowid),
       arg_min(bytes, rowid), arg_min(at_us, rowid)
from stage_rejects s
where not exists (select 1 from rejects where rejects.record = s.record)
group by record
