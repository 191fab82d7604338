-- name:    schema_step
-- asks:    which schema step was done last?
-- columns: step BIGINT
select value::bigint as step from meta where name = 'schema'
