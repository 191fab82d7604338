-- name:    forced
-- asks:    which subjects are forced or test traffic, and so left out of every analysis?
-- grain:   user_key
-- params:  none; reads met
-- columns: user_key UBIGINT
select distinct user_key from met where suspect
