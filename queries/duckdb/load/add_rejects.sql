-- name:    add_rejects
-- asks:    keep the batch's rejects, each record once
insert into rejects
select record, arg_min(source, n), arg_min(place, n), arg_min(reason, n), arg_min(detail, n),
       arg_min(bytes, n), arg_min(at_us, n), arg_min(dated_us, n), arg_min(kind, n)
from batch_rejects() s
where not exists (select 1 from rejects where rejects.record = s.record)
group by record
