-- name:    words
-- asks:    which words are kept?
-- columns: id UINTEGER, text VARCHAR
select id, text from words
