-- name:    rejects_undated
-- asks:    how many records without a readable date were put aside, by source and run?
-- grain:   source, run_us
-- columns: source VARCHAR, run_us BIGINT (when the run began), n BIGINT
select source, at_us as run_us, count(*) as n from rejects
where dated_us = 0 group by source, at_us order by source, run_us
