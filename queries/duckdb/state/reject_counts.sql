-- name:    reject_counts
-- asks:    how many records were put aside, by reason?
-- grain:   reason
-- columns: reason VARCHAR, n BIGINT
select reason, count(*) as n from rejects group by reason order by n desc, reason
