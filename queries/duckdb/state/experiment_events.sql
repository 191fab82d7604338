-- name:    experiment_events
-- asks:    which experiments and variations do the events name?
-- grain:   experiment_id, variation_id
-- params:  $row BIGINT (the first row that counts)
-- columns: experiment_id VARCHAR, variation_id VARCHAR, events BIGINT, first_us BIGINT, last_us BIGINT,
--          control BOOLEAN (some events marked the variation as control), segmented BOOLEAN
with counted as (      -- by ids first: the words are then looked up for a few rows only
    select experiment, variation, count(*) as events, min(at_utc) as first, max(at_utc) as last,
           bool_or(control = 2) as control,
           bool_or(allocation in (select id from words where text = 'segment')) as segmented
    from events where rowid >= $row and experiment <> 0 group by experiment, variation
)
select e.text as experiment_id, v.text as variation_id, c.events, epoch_us(c.first) as first_us,
       epoch_us(c.last) as last_us, c.control, c.segmented
from counted c join words e on e.id = c.experiment join words v on v.id = c.variation
order by experiment_id, variation_id
