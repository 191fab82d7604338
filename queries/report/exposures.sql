-- name:    exposures
-- asks:    which events expose which subject to which variation?
-- grain:   log_id
-- params:  none; reads carried, threads
-- columns: log_id UBIGINT, at_us BIGINT, user_key UBIGINT, variation_id VARCHAR, phase INTEGER, known BOOLEAN,
--          suspect BOOLEAN
-- An event without a user takes the user of its transaction, then of its session. Suspect events make their
-- subject forced or test traffic: begun outside every phase and not in flight, or named by the configuration.
select carried.log_id, carried.at_us,
       case when carried.user_key <> 0 then carried.user_key
            when coalesce(t.user_key, 0) <> 0 then t.user_key
            else coalesce(s.user_key, 0::ubigint) end as user_key,
       carried.variation_id, carried.phase, carried.known,
       carried.tested or (carried.phase = 0 and not carried.in_flight) as suspect
from carried
left join threads t on t.kind = 'transaction' and t.thread_key = carried.transaction_key
left join threads s on s.kind = 'session' and s.thread_key = carried.session_key
