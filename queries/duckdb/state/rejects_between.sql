-- name:    rejects_between
-- asks:    how many records that give a date in this time were put aside, by reason?
-- grain:   reason
-- params:  $from_us BIGINT, $until_us BIGINT (half-open)
-- columns: reason VARCHAR, n BIGINT
select reason, count(*) as n from rejects
where dated_us <> 0 and dated_us >= $from_us and dated_us < $until_us
group by reason order by n desc, reason
