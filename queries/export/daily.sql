-- name:    daily
-- asks:    what happened in each variation on each UTC day?
-- grain:   day, experiment_id, variation_id
-- params:  $experiment_id VARCHAR ('' means every experiment), $since_us BIGINT, $until_us BIGINT (microseconds UTC, half-open),
--          $success_types VARCHAR[] (type codes of a successful login),
--          $failure_types VARCHAR[] (type codes of a failed login)
-- columns: day DATE (UTC day),
--          experiment_id VARCHAR (experiment that the events carry),
--          variation_id VARCHAR (variation that the events carry),
--          logins BIGINT (successful logins; single sign-on included),
--          failures BIGINT (failed logins that carry the experiment; most failures carry none),
--          enrollments BIGINT (completed enrollments as the page claims them)
with facts as (
    select e.at_utc::date as day, e.experiment_id, e.variation_id,
           list_contains($success_types, e.type)::bigint as login,
           list_contains($failure_types, e.type)::bigint as failure, 0::bigint as enrollment
    from ev e
    where e.experiment_id <> '' and ($experiment_id = '' or e.experiment_id = $experiment_id)
      and e.at_utc >= make_timestamp($since_us) and e.at_utc < make_timestamp($until_us)
    union all
    select p.at_utc::date, p.experiment_id, p.variation_id, 0, 0, 1
    from page p
    where p.phase = 'completed' and p.experiment_id <> ''
      and ($experiment_id = '' or p.experiment_id = $experiment_id)
      and p.at_utc >= make_timestamp($since_us) and p.at_utc < make_timestamp($until_us)
)
select day, experiment_id, variation_id, sum(login)::bigint as logins, sum(failure)::bigint as failures,
       sum(enrollment)::bigint as enrollments
from facts group by day, experiment_id, variation_id
order by day, experiment_id, variation_id
