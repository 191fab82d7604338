-- name:    decision_record
-- asks:    what is the whole record of a decision?
-- params:  $decision VARCHAR
-- columns: record VARCHAR
select record from decisions where decision = $decision
