-- name:    removed
-- asks:    what was taken out of the store for good?
-- columns: before_us BIGINT, purged BIGINT, forgotten BIGINT, people BIGINT
select coalesce(max(before_us), 0) as before_us,
       coalesce(sum(events + pages) filter (why = 'purged'), 0)::bigint as purged,
       coalesce(sum(events + pages) filter (why = 'forgotten'), 0)::bigint as forgotten,
       coalesce(sum(people), 0)::bigint as people
from removals
