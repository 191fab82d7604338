-- name:    page_counts
-- asks:    what did the enrollment page tell, by phase, claimed variation, event and day?
-- grain:   phase, variation_id, event, day_us
-- params:  none; reads page_ids, phases, scope, chain, words
-- columns: phase INTEGER, variation_id VARCHAR, event VARCHAR, day_us BIGINT, events BIGINT, with_user HUGEINT,
--          verified HUGEINT
with counted as (
    select coalesce(phases.phase, 0) as phase, p.variation, p.phase as event,
           p.at_us - p.at_us % 86400000000 as day_us, count(*) as events,
           sum(case when p.user_key <> 0 then 1 else 0 end) as with_user,
           sum(case when p.verified then 1 else 0 end) as verified
    from page_ids p cross join scope
    left join phases on phases.experiment = p.experiment
         and p.at_us >= phases.from_us and p.at_us < phases.until_us
    where p.experiment in (select experiment from chain)
      and p.at_us >= scope.since_us and p.at_us < scope.until_us
    group by all
)
select c.phase, words.text as variation_id, c.event, c.day_us, c.events, c.with_user, c.verified
from counted c join words on words.id = c.variation
order by c.phase, words.text, c.event, c.day_us
