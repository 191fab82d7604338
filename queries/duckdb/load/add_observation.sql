-- name:    add_observation
-- asks:    keep what the tenant says of an experiment
-- params:  $experiment VARCHAR, $seen_us BIGINT, $name VARCHAR, $status VARCHAR, $strategy VARCHAR, $started_us BIGINT,
--          $ended_us BIGINT, $updated_us BIGINT, $level INTEGER, $levels VARCHAR, $editable VARCHAR, $arms VARCHAR,
--          $flag VARCHAR, $flow VARCHAR, $subject VARCHAR
insert into observations values ($experiment, $seen_us, $name, $status, $strategy, $started_us, $ended_us,
    $updated_us, $level, $levels, $editable, $arms, $flag, $flow, $subject)
