-- name:    keep_meta
-- asks:    keep what is told of the store; its identity is a new one
-- params:  $key_id VARCHAR (of the key that the rows are turned to, or '' when they stay as they are)
insert into fresh.meta
select name, value from store.meta where name <> 'identity' and (name <> 'key' or $key_id = '')
union all
select 'key', $key_id where $key_id <> ''
