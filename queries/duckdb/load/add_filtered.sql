-- name:    add_filtered
-- asks:    add the batch's counts of what was not stored
merge into filtered
using (select source, type, make_timestamp(day_us)::date as day, sum(n)::bigint as n
       from batch_filtered() group by all) more
on filtered.source = more.source and filtered.type = more.type and filtered.day = more.day
when matched then update set n = filtered.n + more.n
when not matched then insert values (more.source, more.type, more.day, more.n)
