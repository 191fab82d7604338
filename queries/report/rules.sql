-- name:    rules
-- asks:    by which rule did the login attempts of each type get their variation?
-- grain:   type, role, rule
-- params:  none; reads attempts
-- columns: type VARCHAR, role VARCHAR, rule VARCHAR, n BIGINT
select type, role, rule, count(*) as n from attempts group by type, role, rule order by type, role, rule
