-- name:    rules
-- asks:    by which rule did the login attempts of each type get their variation?
-- grain:   type, role, rule
-- params:  none; reads attempts
-- columns: type VARCHAR, role VARCHAR, rule VARCHAR, n HUGEINT
select a.type, a.role, a.rule, sum(a.n) as n from attempts a group by a.type, a.role, a.rule order by a.type, a.role, a.rule
