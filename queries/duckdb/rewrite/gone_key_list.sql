-- name:    gone_key_list
-- asks:    what are their sessions and transactions?
-- params:  none; reads gone_keys
-- columns: key UBIGINT
select key from gone_keys order by key
