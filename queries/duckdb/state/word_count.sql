-- name:    word_count
-- asks:    how many words are kept, which id is the next one, and in which store? Ids run from 0 without a hole, so
--          both numbers are the same.
-- columns: n BIGINT, next BIGINT, identity VARCHAR
select count(*) as n, coalesce(max(id), 0)::bigint + 1 as next, (select value from meta where name = 'identity') as identity
from words
