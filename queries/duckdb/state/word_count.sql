-- name:    word_count
-- asks:    how many words are kept, and in which store? Their ids run from 0 without a hole.
-- columns: n BIGINT, identity VARCHAR
select count(*) as n, (select value from meta where name = 'identity') as identity from words
