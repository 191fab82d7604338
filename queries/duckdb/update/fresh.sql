-- name:    fresh
-- asks:    which events count now and did not count in the answer that is kept?
-- params:  $events BIGINT (rows that were there), $until_us BIGINT (end of the kept answer's scope, exclusive);
--          reads events, readings
-- As they are stored. Rows are only ever added, so row numbers tell what is new; the others were dated too late at that
-- time.
with added as (
    select rowid as row_no, * from events where rowid >= $events
    union all
    select rowid as row_no, * from events where rowid < $events and at_utc >= make_timestamp($until_us)
)
select a.*
from added a
join readings r on r.shape = a.shape
where epoch_us(a.at_utc) < r.until_us and (r.ours or r.role <> ''::attempt_role)
