-- name:    vocabulary
-- asks:    how many words and shapes are kept, which ids are the next ones, and in which store? Ids run from 0 without
--          a hole, so the number of each and its next id are the same.
-- columns: words BIGINT, next_word BIGINT, shapes BIGINT, next_shape BIGINT, identity VARCHAR
select w.n as words, w.next as next_word, s.n as shapes, s.next as next_shape,
       (select value from meta where name = 'identity') as identity
from (select count(*) as n, coalesce(max(id), -1)::bigint + 1 as next from words) w
cross join (select count(*) as n, coalesce(max(id), -1)::bigint + 1 as next from shapes) s
