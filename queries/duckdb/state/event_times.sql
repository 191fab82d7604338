-- name:    event_times
-- asks:    from when until when are the tenant log events?
-- columns: from_us BIGINT, until_us BIGINT
select epoch_us(min(at_utc)) as from_us, epoch_us(max(at_utc)) as until_us from events
