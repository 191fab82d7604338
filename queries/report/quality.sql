-- name:    quality
-- asks:    which counts stand behind the data-quality flags?
-- grain:   carried
-- params:  none; reads every table of the session
-- columns: carried BIGINT, unknown_variation HUGEINT, missing_subject BIGINT, segment HUGEINT, inactive HUGEINT,
--          in_flight HUGEINT, late HUGEINT, logins_in_scope HUGEINT, logins_without HUGEINT, forced_subjects BIGINT,
--          exposed_subjects BIGINT, carry_over BIGINT, unplaced_attempts HUGEINT, lost BIGINT,
--          page_completed BIGINT, page_completed_user BIGINT, page_unmatched HUGEINT, page_control HUGEINT,
--          page_variation_differs HUGEINT, log_enrollments HUGEINT, both_enrollments HUGEINT,
--          page_only_enrollments HUGEINT, log_only_enrollments HUGEINT,
--          first_event_us BIGINT, last_event_us BIGINT, last_log_us BIGINT, last_page_us BIGINT
-- One row. Sums of nothing are 0 here, because an absent count would look like a broken one.
with firsts as (      -- a person's first variation ever
    select user_key, variation_id, control from strata
    qualify row_number() over (partition by user_key order by phase) = 1
), page_done as (
    select p.event_id, p.user_key, p.variation_id
    from page p cross join scope
    where p.phase = 'completed' and p.experiment_id in (select experiment_id from chain)
      and p.at_us >= scope.since_us and p.at_us < scope.until_us
), of_carried as (
    select count(*) as carried,
           coalesce(sum(case when known then 0 else 1 end), 0) as unknown_variation,
           coalesce(sum(case when segmented then 1 else 0 end), 0) as segment,
           coalesce(sum(case when phase = 0 then 1 else 0 end), 0) as inactive,
           coalesce(sum(case when in_flight then 1 else 0 end), 0) as in_flight,
           coalesce(sum(case when late then 1 else 0 end), 0) as late,
           coalesce(sum(case when type = 's' and interactive <> 1 and phase > 0 then 1 else 0 end), 0) as logins,
           coalesce(min(at_us), 0) as first_event_us,
           coalesce(max(at_us), 0) as last_event_us
    from carried
), of_strays as (
    select count(*) as logins, coalesce(sum(case when bare then 1 else 0 end), 0) as logins_without
    from strays where type = 's' and interactive <> 1 and phase > 0
), of_exposures as (
    select coalesce(sum(case when user_key = 0 then 1 else 0 end), 0)::bigint as missing_subject,
           count(distinct user_key) filter (where user_key <> 0) as exposed_subjects
    from exposures
), of_attempts as (
    select coalesce(sum(a.n), 0) as unplaced_attempts
    from attempts a
    where a.rule <> 'none' and (a.phase, a.user_key, a.variation_id) not in
        (select (seen.phase, seen.user_key, seen.variation_id) from seen)
), of_page as (
    select count(*) as page_completed_user,
           coalesce(sum(case when firsts.user_key is null then 1 else 0 end), 0) as page_unmatched,
           coalesce(sum(case when firsts.control then 1 else 0 end), 0) as page_control,
           coalesce(sum(case when firsts.variation_id <> page_done.variation_id then 1 else 0 end), 0)
               as page_variation_differs
    from page_done left join firsts on firsts.user_key = page_done.user_key
    where page_done.user_key <> 0 and page_done.user_key not in (select user_key from forced)
), of_people as (
    select coalesce(sum(case when log_us > 0 then 1 else 0 end), 0) as log_enrollments,
           coalesce(sum(case when log_us > 0 and page_us > 0 then 1 else 0 end), 0) as both_enrollments,
           coalesce(sum(case when log_us = 0 then 1 else 0 end), 0) as page_only_enrollments,
           coalesce(sum(case when page_us = 0 and not firsts.control then 1 else 0 end), 0) as log_only_enrollments
    from firsts join enrolled on enrolled.user_key = firsts.user_key
)
select carried, unknown_variation, missing_subject, segment, inactive, in_flight, late,
       of_carried.logins + of_strays.logins as logins_in_scope, logins_without,
       (select count(*) from forced) as forced_subjects,
       exposed_subjects,
       (select count(distinct user_key) from strata where origin = -1) as carry_over,
       unplaced_attempts,
       (select count(*) from lost) as lost,
       (select count(*) from page_done) as page_completed,
       page_completed_user, page_unmatched, page_control, page_variation_differs,
       log_enrollments, both_enrollments, page_only_enrollments, log_only_enrollments,
       first_event_us, last_event_us,
       (select coalesce(max(l.at_us), 0) from log_times l cross join scope where l.at_us < scope.until_us) as last_log_us,
       (select coalesce(max(p.at_us), 0) from page p cross join scope where p.at_us < scope.until_us) as last_page_us
from of_carried cross join of_strays cross join of_exposures cross join of_attempts cross join of_page
cross join of_people
