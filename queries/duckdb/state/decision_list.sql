-- name:    decision_list
-- asks:    what was decided of an experiment, oldest first, without the records? '' asks for all.
-- params:  $experiment VARCHAR
-- columns: decision VARCHAR, experiment VARCHAR, made_us BIGINT, as_of_us BIGINT, phase INTEGER, action VARCHAR,
--          signed_by VARCHAR, version VARCHAR, plan VARCHAR
select decision, experiment, made_us, as_of_us, phase, action, signed_by, version, plan
from decisions where $experiment = '' or experiment = $experiment
order by made_us, rowid
