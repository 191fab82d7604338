-- name:    rules
-- asks:    by which rule did the login attempts of each type get their variation?
-- grain:   type, role, rule
-- params:  none; reads kinds, told, words
-- columns: type VARCHAR, role VARCHAR, rule VARCHAR, n HUGEINT
with attempts as (
    select type, role, 'event'::attempt_rule as rule, n
    from kinds where role <> ''::attempt_role and place > 0 and named and judged
    union all
    select type, role, rule, 1 from told
), counted as (
    select type, role, rule, sum(n) as n from attempts group by type, role, rule
)
select words.text as type, c.role::varchar as role, c.rule::varchar as rule, c.n
from counted c join words on words.id = c.type
order by type, role, rule
