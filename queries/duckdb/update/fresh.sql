-- name:    fresh
-- asks:    which events count now and did not count in the answer that is kept?
-- params:  $events BIGINT (rows that were there), $until_us BIGINT (end of the kept answer's scope, exclusive);
--          reads ev_ids, readings
-- As ev_ids. Rows are only ever added, so row numbers tell what is new; the others were dated too late at that time.
with added as (
    select * from ev_ids where row_no >= $events
    union all
    select * from ev_ids where row_no < $events and at_utc >= make_timestamp($until_us)
)
select a.*
from added a
join readings r on r.shape = a.shape
where a.at_us < r.until_us and (r.ours or r.role <> ''::attempt_role)
