-- name:    seen
-- asks:    which variations did each subject meet in each phase, and when first?
-- grain:   phase, user_key, variation_id
-- params:  none; reads exposures, forced, arms
-- columns: phase INTEGER, user_key UBIGINT, variation_id VARCHAR, first_us BIGINT, control BOOLEAN
select e.phase, e.user_key, e.variation_id, min(e.at_us) as first_us, coalesce(bool_or(arms.control), false) as control
from exposures e
left join arms on arms.phase = e.phase and arms.variation_id = e.variation_id
where e.phase > 0 and e.known and e.user_key <> 0 and e.user_key not in (select user_key from forced)
group by e.phase, e.user_key, e.variation_id
