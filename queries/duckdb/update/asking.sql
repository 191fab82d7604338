-- name:    asking
-- asks:    whose transactions and sessions must be known to count the touched users?
-- params:  none; reads loose, touched, theirs, changed
-- Loose events of touched users, and those without a user that may turn out to be theirs.
select * from loose where user_key in (select user_key from touched)
union
select * from loose
where user_key = 0
  and (transaction_key in (select transaction_key from theirs where transaction_key <> 0)
       or session_key in (select session_key from theirs where session_key <> 0))
union
select * from changed
