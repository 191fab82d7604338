-- name:    key_id
-- asks:    which key are the store's pseudonyms of?
-- columns: id VARCHAR
select value as id from meta where name = 'key'
