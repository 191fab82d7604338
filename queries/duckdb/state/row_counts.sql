-- name:    row_counts
-- asks:    which store is it, and how many rows has it? Rows are only ever added as long as the identity stays.
-- columns: identity VARCHAR, events BIGINT, pages BIGINT
select value as identity, (select count(*) from events) as events, (select count(*) from page_events) as pages
from meta where name = 'identity'
