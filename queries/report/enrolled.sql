-- name:    enrolled
-- asks:    when did each person first enroll a passkey, by the tenant log and by the page?
-- grain:   user_key
-- params:  none; reads ev_ids, readings, page_ids, scope, chain
-- columns: user_key UBIGINT, log_us BIGINT, page_us BIGINT, first_us BIGINT
-- Enrollments before `since` count too: whoever enrolled earlier is not eligible. 0 in log_us or page_us
-- means that this source does not know of an enrollment.
with both_sources as (
    select e.user_key, e.at_us, 'log' as source
    from ev_ids e join readings r on r.shape = e.shape
    where r.enrolls and e.user_key <> 0 and e.at_us < r.until_us
    union all
    select p.user_key, p.at_us, 'page' as source
    from page_ids p cross join scope
    where p.phase = 'completed' and p.user_key <> 0 and p.at_us < scope.until_us
      and p.experiment in (select experiment from chain)
)
select user_key,
       coalesce(min(at_us) filter (where source = 'log'), 0) as log_us,
       coalesce(min(at_us) filter (where source = 'page'), 0) as page_us,
       min(at_us) as first_us
from both_sources group by user_key
