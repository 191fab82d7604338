-- name:    word_count
-- asks:    how many words are kept? Their ids run from 0 without a hole.
-- columns: n BIGINT
select count(*) as n from words
