-- name:    add_days
-- asks:    keep counts of what is older than the limit
-- params:  $before_us BIGINT (exclusive, a UTC midnight: every day is counted once and whole)
insert into fresh.purged_days
select e.at_utc::date as day, 'log', type.text, experiment.text, variation.text, count(*)
from store.events e
join store.shapes s on s.id = e.shape
join store.words type on type.id = s.type
join store.words experiment on experiment.id = s.experiment
join store.words variation on variation.id = s.variation
where e.at_utc < make_timestamp($before_us)
group by all
union all
select p.at_utc::date as day, 'page', phase.text, experiment.text, variation.text, count(*)
from store.page_events p
join store.words phase on phase.id = p.phase
join store.words experiment on experiment.id = p.experiment
join store.words variation on variation.id = p.variation
where p.at_utc < make_timestamp($before_us)
group by all
order by all
