-- name:    met
-- asks:    which variations did each subject meet in each phase, and when first?
-- grain:   phase, user_key, place
-- params:  none; reads tries, threads
-- columns: phase INTEGER, user_key UBIGINT, place INTEGER, first_us BIGINT, n HUGEINT, suspect BOOLEAN
-- An event without a user takes the user of its transaction, then of its session; user_key 0 is left over. Suspect
-- events make their subject forced or test traffic: begun outside every phase and not in flight, or named by the
-- configuration.
with exposures as (
    select phase, user_key, place, first_us, n, tested or (phase = 0 and not in_flight) as suspect
    from tries where carried and user_key <> 0
    union all
    select tries.phase,
           case when coalesce(t.user_key, 0) <> 0 then t.user_key else coalesce(s.user_key, 0::ubigint) end as user_key,
           tries.place, tries.first_us, tries.n, tries.tested or (tries.phase = 0 and not tries.in_flight) as suspect
    from tries
    left join threads t on t.kind = 'transaction' and t.thread_key = tries.transaction_key
    left join threads s on s.kind = 'session' and s.thread_key = tries.session_key
    where tries.carried and tries.user_key = 0
)
select phase, user_key, place, min(first_us) as first_us, sum(n) as n, bool_or(suspect) as suspect
from exposures group by phase, user_key, place
