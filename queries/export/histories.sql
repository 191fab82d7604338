-- name:    histories
-- asks:    what did each user do who was only ever in control: attempts to log in, and enrollments?
-- grain:   event_key
-- params:  $experiment_id VARCHAR ('' means every experiment), $since_us BIGINT, $until_us BIGINT (microseconds UTC, half-open),
--          $control_variations VARCHAR[] (variations that are control even where no event says so),
--          $success_types VARCHAR[] (type codes of a successful login),
--          $failure_types VARCHAR[] (type codes of a failed login),
--          $enrollment_types VARCHAR[] (type codes of an enrollment)
-- columns: event_key VARCHAR (keyed hash of the log_id; 16 hex digits),
--          user_key VARCHAR (keyed pseudonym of the user; 16 hex digits),
--          occurred_at TIMESTAMP (date of the event; UTC),
--          deed VARCHAR (login, failure or enrollment),
--          interactive BOOLEAN (the login prompted; null when not told),
--          carried BOOLEAN (the event carries the experiment; most failures and all enrollments do not)
-- Failures that name no user are left out, and so are enrollments that only the page knows of. Test traffic is
-- left out. An enrollment before $since_us counts: whoever enrolled earlier is not eligible.
with met as (
    select e.user_key, bool_and(e.control = 2 or list_contains($control_variations, e.variation_id)) as control
    from ev e
    where e.user_key <> 0 and not e.test and e.experiment_id <> ''
      and ($experiment_id = '' or e.experiment_id = $experiment_id)
      and e.at_utc >= make_timestamp($since_us) and e.at_utc < make_timestamp($until_us)
    group by e.user_key
)
select printf('%016x', e.log_id) as event_key,
       printf('%016x', e.user_key) as user_key,
       e.at_utc as occurred_at,
       case when list_contains($success_types, e.type) then 'login'
            when list_contains($failure_types, e.type) then 'failure' else 'enrollment' end as deed,
       case e.interactive when 2 then true when 1 then false end as interactive,
       e.experiment_id <> '' as carried
from ev e join met on met.user_key = e.user_key
where met.control and not e.test and e.at_utc < make_timestamp($until_us)
  and ((list_contains($enrollment_types, e.type) and e.authenticator = 'passkey')
       or (e.at_utc >= make_timestamp($since_us)
           and ((list_contains($success_types, e.type) and e.experiment_id <> '')
                or list_contains($failure_types, e.type))
           and (e.experiment_id = '' or $experiment_id = '' or e.experiment_id = $experiment_id)))
order by e.user_key, e.at_utc, e.log_id
