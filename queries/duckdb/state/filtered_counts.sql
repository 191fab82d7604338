-- name:    filtered_counts
-- asks:    how many events of each type were counted instead of stored, and when?
-- grain:   type
-- columns: type VARCHAR, n BIGINT, first_us BIGINT, last_us BIGINT
select type, sum(n)::bigint as n, epoch_us(min(day)) as first_us, epoch_us(max(day)) as last_us
from filtered group by type order by n desc, type
