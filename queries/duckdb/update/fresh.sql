-- name:    fresh
-- asks:    which events count now and did not count in the answer that is kept?
-- params:  $events BIGINT (rows that were there), $until_us BIGINT (end of the kept answer's scope, exclusive);
--          reads ev_ids, scope, chain, roles
-- As ev_ids. Rows are only ever added, so row numbers tell what is new; the others were dated too late at that time.
with added as (
    select * from ev_ids where row_no >= $events
    union all
    select * from ev_ids where row_no < $events and at_utc >= make_timestamp($until_us)
)
select a.*
from added a
cross join scope
where a.at_us < scope.until_us
  and (a.experiment in (select experiment from chain) or a.type in (select type from roles))
