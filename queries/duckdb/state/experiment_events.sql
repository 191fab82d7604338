-- name:    experiment_events
-- asks:    which experiments and variations do the events name?
-- grain:   experiment_id, variation_id
-- params:  $row BIGINT (the first row that counts)
-- columns: experiment_id VARCHAR, variation_id VARCHAR, events BIGINT, first_us BIGINT, last_us BIGINT,
--          control BOOLEAN (some events marked the variation as control), segmented BOOLEAN
with counted as (      -- by shapes first: the words are then looked up for a few rows only
    select shape, count(*) as events, min(at_utc) as first, max(at_utc) as last
    from events where rowid >= $row group by shape
)
select e.text as experiment_id, v.text as variation_id, sum(c.events)::bigint as events, epoch_us(min(c.first)) as first_us,
       epoch_us(max(c.last)) as last_us, bool_or(s.control = 2) as control,
       bool_or(s.allocation in (select id from words where text = 'segment')) as segmented
from counted c
join shapes s on s.id = c.shape
join words e on e.id = s.experiment
join words v on v.id = s.variation
where s.experiment <> 0
group by e.text, v.text
order by experiment_id, variation_id
