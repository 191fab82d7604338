-- name:    differing_events
-- asks:    which of the batch's events differ from what is kept under their log_id?
-- grain:   n
-- columns: n UINTEGER
-- An id that the store does not know keeps the content of its first row in the batch. One that it has from two days,
-- since it was sought around its date alone, differs when it is neither.
select n from known_events group by n having bool_and(differs)
union all
select s.n from batch_events() s anti join known_events known on known.n = s.n where s.again = 2
order by n
