-- name:    logins
-- asks:    which successful logins (event type s) carry the experiment?
-- grain:   event_key
-- params:  $experiment_id VARCHAR ('' means every experiment), $since_us BIGINT, $until_us BIGINT (microseconds UTC, half-open)
-- columns: event_key VARCHAR (keyed hash of the log_id; 16 hex digits),
--          occurred_at TIMESTAMP (date of the event; UTC),
--          experiment_id VARCHAR (experiment that the login carries),
--          variation_id VARCHAR (variation that the login carries),
--          is_control BOOLEAN (the event marks its variation as control; null when not told),
--          client_id VARCHAR (application),
--          connection VARCHAR (connection),
--          device VARCHAR (mobile or other; null when not told),
--          user_key VARCHAR (keyed pseudonym of the user; 16 hex digits; null when absent),
--          interactive BOOLEAN (the login prompted; null when not told),
--          passkey_used BOOLEAN (a passkey was used to log in)
select printf('%016x', e.log_id) as event_key,
       e.at_utc as occurred_at,
       e.experiment_id,
       e.variation_id,
       case e.control when 2 then true when 1 then false end as is_control,
       nullif(e.client_id, '') as client_id,
       nullif(e.connection, '') as connection,
       nullif(e.device, '') as device,
       case when e.user_key <> 0 then printf('%016x', e.user_key) end as user_key,
       case e.interactive when 2 then true when 1 then false end as interactive,
       e.passkey_used
from ev_full e
where e.type = 's' and e.experiment_id <> '' and ($experiment_id = '' or e.experiment_id = $experiment_id)
  and e.at_utc >= make_timestamp($since_us) and e.at_utc < make_timestamp($until_us)
order by e.experiment_id, e.at_utc, e.log_id
