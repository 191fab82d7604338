-- name:    met_pages
-- asks:    of the page events of each part of the batch, how many does the store know that no row before told of?
-- columns: part UINTEGER, known BIGINT
select part, count(distinct n) as known from known_pages where again = 0 group by part
