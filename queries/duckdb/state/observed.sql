-- name:    observed
-- asks:    what did the tenant say of an experiment, oldest first? '' asks for all.
-- params:  $experiment VARCHAR
-- columns: experiment VARCHAR, seen_us BIGINT, name VARCHAR, status VARCHAR, strategy VARCHAR, started_us BIGINT,
--          ended_us BIGINT, updated_us BIGINT, level INTEGER, levels VARCHAR, editable VARCHAR, arms VARCHAR,
--          flag VARCHAR, flow VARCHAR, subject VARCHAR
select experiment, seen_us, name, status, strategy, started_us, ended_us, updated_us, level, levels, editable, arms,
    flag, flow, subject
from observations where $experiment = '' or experiment = $experiment
order by experiment, seen_us, rowid
