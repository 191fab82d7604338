-- name:    put_schema
-- asks:    record the schema step that was done last
-- params:  $step BIGINT
merge into meta
using (select 'schema' as name) done
on meta.name = done.name
when matched then update set value = $step::bigint::varchar
when not matched then insert values ('schema', $step::bigint::varchar)
