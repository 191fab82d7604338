-- name:    word_ids
-- asks:    which ids do these texts have?
-- grain:   text
-- params:  $texts VARCHAR[]
-- columns: text VARCHAR, id UINTEGER
select text, id from words where list_contains($texts, text)
