-- name:    met_events
-- asks:    of the events of each part of the batch, how many does the store know that no row before told of?
-- columns: part UINTEGER, known BIGINT
select part, count(distinct n) as known from known_events where again = 0 group by part
