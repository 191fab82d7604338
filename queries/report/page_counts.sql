-- name:    page_counts
-- asks:    what did the enrollment page tell, by phase, claimed variation, event and day?
-- grain:   phase, variation_id, event, day_us
-- params:  none; reads page, phases, scope, chain
-- columns: phase INTEGER, variation_id VARCHAR, event VARCHAR, day_us BIGINT, events BIGINT, with_user HUGEINT,
--          verified HUGEINT
with mine as (
    select p.event_id, p.phase as event, p.variation_id, p.user_key, p.verified, p.at_us, p.experiment_id
    from page p cross join scope
    where p.experiment_id in (select experiment_id from chain)
      and p.at_us >= scope.since_us and p.at_us < scope.until_us
), placed as (
    select mine.event_id, max(phases.phase) as phase
    from mine join phases on phases.experiment_id = mine.experiment_id
     and mine.at_us >= phases.from_us and mine.at_us < phases.until_us
    group by mine.event_id
)
select coalesce(placed.phase, 0) as phase, mine.variation_id, mine.event,
       mine.at_us - mine.at_us % 86400000000 as day_us, count(*) as events,
       sum(case when mine.user_key <> 0 then 1 else 0 end) as with_user,
       sum(case when mine.verified then 1 else 0 end) as verified
from mine left join placed on placed.event_id = mine.event_id
group by all
order by phase, mine.variation_id, event, day_us
