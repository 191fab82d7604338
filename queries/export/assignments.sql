-- name:    assignments
-- asks:    which variations was each user seen in, and when?
-- grain:   experiment_id, user_key, variation_id
-- params:  $experiment_id VARCHAR ('' means every experiment), $since_us BIGINT, $until_us BIGINT (microseconds UTC, half-open)
-- columns: experiment_id VARCHAR (experiment that the events carry),
--          user_key VARCHAR (keyed pseudonym of the user; 16 hex digits),
--          variation_id VARCHAR (variation that the events carry),
--          is_control BOOLEAN (an event marks the variation as control; null when not told),
--          is_first BOOLEAN (the first variation that the user was seen in),
--          first_seen_at TIMESTAMP (first event in the variation; UTC),
--          last_seen_at TIMESTAMP (last event in the variation; UTC),
--          events BIGINT (events of the user in the variation)
with met as (
    select e.experiment_id, e.user_key, e.variation_id,
           case max(e.control) when 2 then true when 1 then false end as is_control,
           min(e.at_utc) as first_seen, max(e.at_utc) as last_seen, count(*) as events
    from ev e
    where e.user_key <> 0 and e.experiment_id <> '' and ($experiment_id = '' or e.experiment_id = $experiment_id)
      and e.at_utc >= make_timestamp($since_us) and e.at_utc < make_timestamp($until_us)
    group by e.experiment_id, e.user_key, e.variation_id
)
select experiment_id, printf('%016x', user_key) as user_key, variation_id, is_control,
       row_number() over (partition by experiment_id, met.user_key order by first_seen, variation_id) = 1 as is_first,
       first_seen as first_seen_at, last_seen as last_seen_at, events
from met
order by experiment_id, first_seen, met.user_key, variation_id
