-- name:    add_call
-- asks:    keep a call that changed an experiment, once
-- params:  $call VARCHAR (digits), $experiment VARCHAR, $at_us BIGINT, $status VARCHAR, $level INTEGER, $arms VARCHAR
insert into calls
select $call::ubigint, $experiment, $at_us, $status, $level, $arms
where not exists (select 1 from calls where calls.call = $call::ubigint)
