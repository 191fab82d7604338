-- name:    log_hours
-- asks:    in how many UTC hours of this time does the store have tenant log events?
-- params:  $from_us BIGINT, $until_us BIGINT (half-open, whole hours)
-- columns: n BIGINT
select count(distinct date_trunc('hour', at_utc)) as n from events
where at_utc >= make_timestamp($from_us) and at_utc < make_timestamp($until_us)
