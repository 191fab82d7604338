-- name:    traced
-- asks:    whom do the events of the experiment expose that lack a user or a variation?
-- grain:   none
-- params:  none; reads untold, transactions, sessions
-- columns: phase INTEGER, user_key UBIGINT, place INTEGER, at_us BIGINT, suspect BOOLEAN
-- An event without a user takes the user of its transaction, then of its session; user_key 0 is left over.
select u.phase,
       case when u.user_key <> 0 then u.user_key
            when coalesce(t.user_key, 0) <> 0 then t.user_key
            else coalesce(s.user_key, 0::ubigint) end as user_key,
       u.place, u.at_us, u.suspect
from untold u
left join transactions t on t.transaction_key = u.transaction_key
left join sessions s on s.session_key = u.session_key
where u.carried
