-- name:    quality_times
-- asks:    when did the tenant log and the page last tell anything?
-- grain:   source
-- params:  none; reads log_times, page_times, scope
-- columns: source VARCHAR, last_us BIGINT
select 'log' as source, coalesce(max(l.at_us), 0) as last_us
from log_times l cross join scope where l.at_us < scope.until_us
union all
select 'page', coalesce(max(p.at_us), 0)
from page_times p cross join scope where p.at_us < scope.until_us
order by source
