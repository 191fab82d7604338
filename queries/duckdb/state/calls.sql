-- name:    calls
-- asks:    which calls in the log changed an experiment, oldest first?
-- params:  $experiment VARCHAR
-- columns: call UBIGINT, at_us BIGINT, status VARCHAR, level INTEGER, arms VARCHAR
select call, at_us, status, level, arms from calls where experiment = $experiment
order by at_us, call
