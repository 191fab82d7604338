-- name:    put_key_id
-- asks:    record which key the store's pseudonyms are of
-- params:  $id VARCHAR
merge into meta
using (select 'key' as name) of
on meta.name = of.name
when matched then update set value = $id
when not matched then insert values ('key', $id)
