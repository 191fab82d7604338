-- name:    events
-- asks:    which tenant log events carry the experiment?
-- grain:   event_key
-- params:  $experiment_id VARCHAR ('' means every experiment), $since_us BIGINT, $until_us BIGINT (microseconds UTC, half-open)
-- columns: event_key VARCHAR (keyed hash of the log_id; 16 hex digits),
--          occurred_at TIMESTAMP (date of the event; UTC),
--          assigned_at TIMESTAMP (when the login transaction began; UTC),
--          logged_at TIMESTAMP (when Auth0 wrote the event; UTC; null when the log_id does not tell),
--          type VARCHAR (Auth0's event type code),
--          experiment_id VARCHAR (experiment that the event carries),
--          variation_id VARCHAR (variation that the event carries),
--          is_control BOOLEAN (the event marks its variation as control; null when not told),
--          allocation_strategy VARCHAR (percentage or segment; null when not told),
--          segment_id VARCHAR (segment that chose the variation),
--          client_id VARCHAR (application),
--          connection VARCHAR (connection),
--          strategy VARCHAR (connection strategy),
--          device VARCHAR (mobile or other; null when not told),
--          user_key VARCHAR (keyed pseudonym of the user; 16 hex digits; null when absent),
--          session_key VARCHAR (keyed pseudonym of the session),
--          transaction_key VARCHAR (keyed pseudonym of the login transaction),
--          interactive BOOLEAN (the login prompted; null when not told),
--          passkey_used BOOLEAN (a passkey was used to log in),
--          authenticator VARCHAR (authenticator type of an enrollment event),
--          test_traffic BOOLEAN (from an address that the configuration names as test traffic)
select printf('%016x', e.log_id) as event_key,
       e.at_utc as occurred_at,
       make_timestamp(e.assigned_us) as assigned_at,
       case when e.logged_us <> 0 then make_timestamp(e.logged_us) end as logged_at,
       e.type,
       e.experiment_id,
       e.variation_id,
       case e.control when 2 then true when 1 then false end as is_control,
       nullif(e.allocation, '') as allocation_strategy,
       nullif(e.segment_id, '') as segment_id,
       nullif(e.client_id, '') as client_id,
       nullif(e.connection, '') as connection,
       nullif(e.strategy, '') as strategy,
       nullif(e.device, '') as device,
       case when e.user_key <> 0 then printf('%016x', e.user_key) end as user_key,
       case when e.session_key <> 0 then printf('%016x', e.session_key) end as session_key,
       case when e.transaction_key <> 0 then printf('%016x', e.transaction_key) end as transaction_key,
       case e.interactive when 2 then true when 1 then false end as interactive,
       e.passkey_used,
       nullif(e.authenticator, '') as authenticator,
       e.test as test_traffic
from ev_full e
where e.experiment_id <> '' and ($experiment_id = '' or e.experiment_id = $experiment_id)
  and e.at_utc >= make_timestamp($since_us) and e.at_utc < make_timestamp($until_us)
order by e.experiment_id, e.at_utc, e.log_id
