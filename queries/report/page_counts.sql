-- name:    page_counts
-- asks:    what did the enrollment page tell, by phase, claimed variation, event and day?
-- grain:   phase, variation_id, event, day_us
-- params:  none; reads page, phases, scope, chain
-- columns: phase INTEGER, variation_id VARCHAR, event VARCHAR, day_us BIGINT, events BIGINT, with_user HUGEINT,
--          verified HUGEINT
select coalesce(phases.phase, 0) as phase, p.variation_id, p.phase as event,
       p.at_us - p.at_us % 86400000000 as day_us, count(*) as events,
       sum(case when p.user_key <> 0 then 1 else 0 end) as with_user,
       sum(case when p.verified then 1 else 0 end) as verified
from page p cross join scope
left join phases on phases.experiment_id = p.experiment_id
     and p.at_us >= phases.from_us and p.at_us < phases.until_us
where p.experiment_id in (select experiment_id from chain)
  and p.at_us >= scope.since_us and p.at_us < scope.until_us
group by all
order by 1, 2, 3, 4
