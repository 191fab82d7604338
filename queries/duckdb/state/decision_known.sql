-- name:    decision_known
-- asks:    is a decision recorded?
-- params:  $decision VARCHAR
-- columns: known BIGINT
select count(*) as known from decisions where decision = $decision
