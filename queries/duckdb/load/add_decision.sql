-- name:    add_decision
-- asks:    append a decision; one that is known is left as it is
-- params:  $decision VARCHAR, $experiment VARCHAR, $made_us BIGINT, $as_of_us BIGINT, $phase INTEGER, $action VARCHAR,
--          $signed_by VARCHAR, $version VARCHAR, $plan VARCHAR, $record VARCHAR
insert into decisions
select $decision, $experiment, $made_us, $as_of_us, $phase, $action, $signed_by, $version, $plan, $record
where not exists (select 1 from decisions where decision = $decision)
