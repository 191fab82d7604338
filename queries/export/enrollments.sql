-- name:    enrollments
-- asks:    which passkey enrollments does the page or the tenant log tell of?
-- grain:   experiment_id, source, enrollment_key
-- params:  $experiment_id VARCHAR ('' means every experiment), $since_us BIGINT, $until_us BIGINT (microseconds UTC, half-open),
--          $enrollment_types VARCHAR[] (type codes of an enrollment)
-- columns: experiment_id VARCHAR (experiment that the page claims or that the user was seen in),
--          source VARCHAR (page or log),
--          enrollment_key VARCHAR (keyed hash of the event's identity; 16 hex digits),
--          occurred_at TIMESTAMP (date of the event; UTC),
--          claimed_variation_id VARCHAR (variation as the page claims it: evidence and not the assignment),
--          assigned_variation_id VARCHAR (variation that the user was first seen in; null when never seen),
--          user_key VARCHAR (keyed pseudonym of the user; 16 hex digits; null when the page does not know it),
--          verified BOOLEAN (the page's ids came from a signed token; null for the log),
--          dated_ahead BOOLEAN (dated more than five minutes after its arrival; null for the log)
with seen as (
    select experiment_id, user_key, arg_min(variation_id, (at_us, variation_id)) as variation_id
    from ev
    where user_key <> 0 and experiment_id <> '' and ($experiment_id = '' or experiment_id = $experiment_id)
      and at_utc < make_timestamp($until_us)
    group by experiment_id, user_key
), told as (
    select p.experiment_id, 'page' as source, p.event_id as enrollment, p.at_utc, p.variation_id as claimed,
           p.user_key, p.verified, p.future
    from page p
    where p.phase = 'completed' and p.experiment_id <> ''
      and ($experiment_id = '' or p.experiment_id = $experiment_id)
      and p.at_utc >= make_timestamp($since_us) and p.at_utc < make_timestamp($until_us)
    union all
    select seen.experiment_id, 'log', e.log_id, e.at_utc, null, e.user_key, null, null
    from ev e join seen on seen.user_key = e.user_key
    where e.authenticator = 'passkey' and list_contains($enrollment_types, e.type)
      and e.at_utc >= make_timestamp($since_us) and e.at_utc < make_timestamp($until_us)
)
select t.experiment_id, t.source, printf('%016x', t.enrollment) as enrollment_key, t.at_utc as occurred_at,
       nullif(t.claimed, '') as claimed_variation_id,
       seen.variation_id as assigned_variation_id,
       case when t.user_key <> 0 then printf('%016x', t.user_key) end as user_key,
       t.verified,
       t.future as dated_ahead
from told t left join seen on seen.experiment_id = t.experiment_id and seen.user_key = t.user_key
order by experiment_id, t.at_utc, source, enrollment_key
