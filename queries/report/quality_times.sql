-- name:    quality_times
-- asks:    when did the tenant log and the page first and last tell anything?
-- grain:   source
-- params:  none; reads log_times, page_times, scope
-- columns: source VARCHAR, first_us BIGINT, last_us BIGINT
select 'log' as source, coalesce(min(l.at_us), 0) as first_us, coalesce(max(l.at_us), 0) as last_us
from log_times l cross join scope where l.at_us < scope.until_us
union all
select 'page', coalesce(min(p.at_us), 0), coalesce(max(p.at_us), 0)
from page_times p cross join scope where p.at_us < scope.until_us
order by source
