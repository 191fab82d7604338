-- name:    met
-- asks:    which variations did each subject meet in each phase, when first, and what did it do there?
-- grain:   phase, user_key, place
-- params:  none; reads own, traced
-- columns: phase INTEGER, user_key UBIGINT, place INTEGER, first_us BIGINT, suspect BOOLEAN, logins BIGINT, ok BIGINT,
--          failed BIGINT
-- logins, ok and failed are those of the question own; the question told has the others.
with more as (
    select phase, user_key, place, min(at_us) as first_us, bool_or(suspect) as suspect
    from traced where user_key <> 0 group by phase, user_key, place
)
select coalesce(own.phase, more.phase) as phase, coalesce(own.user_key, more.user_key) as user_key,
       coalesce(own.place, more.place) as place, least(own.first_us, more.first_us) as first_us,
       coalesce(own.suspect, false) or coalesce(more.suspect, false) as suspect,
       coalesce(own.logins, 0) as logins, coalesce(own.ok, 0) as ok, coalesce(own.failed, 0) as failed
from own
full join more on more.phase = own.phase and more.user_key = own.user_key and more.place = own.place
