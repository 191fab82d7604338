-- name:    purged_experiments
-- asks:    which experiments and variations do purged events of the tenant log name?
-- grain:   experiment_id, variation_id
-- columns: experiment_id VARCHAR, variation_id VARCHAR, first_us BIGINT, last_us BIGINT (the first and the last day)
select experiment_id, variation_id, epoch_us(min(day)) as first_us, epoch_us(max(day)) as last_us
from purged_days where source = 'log' and experiment_id <> '' group by experiment_id, variation_id
order by experiment_id, variation_id
