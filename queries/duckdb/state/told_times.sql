-- name:    told_times
-- asks:    when did the tenant log and the page first and last tell anything before a moment?
-- grain:   source
-- params:  $until_us BIGINT (exclusive)
-- columns: source VARCHAR, first_us BIGINT, last_us BIGINT
-- Where nothing is later than the moment DuckDB knows the answer without a look at the rows.
select 'log' as source, coalesce(epoch_us(min(at_utc)), 0) as first_us, coalesce(epoch_us(max(at_utc)), 0) as last_us
from events where at_utc < make_timestamp($until_us)
union all
select 'page', coalesce(epoch_us(min(at_utc)), 0), coalesce(epoch_us(max(at_utc)), 0)
from page_events where at_utc < make_timestamp($until_us)
order by source
