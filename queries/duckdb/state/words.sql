-- name:    words
-- asks:    which words are kept? Their ids run from 0 without a hole.
-- columns: text VARCHAR
select text from words order by id
