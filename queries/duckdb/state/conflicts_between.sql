-- name:    conflicts_between
-- asks:    of how many events dated in this time did a copy differ from what came first, by source of the copy?
-- grain:   source
-- params:  $from_us BIGINT, $until_us BIGINT (half-open)
-- columns: source VARCHAR, n BIGINT
select source, count(distinct record) as n from conflicts
where at_us >= $from_us and at_us < $until_us
group by source order by source
