-- name:    quality
-- asks:    which counts stand behind the data-quality flags?
-- grain:   name
-- params:  none; reads every table of the session
-- columns: name VARCHAR, n BIGINT
with firsts as (      -- a person's first variation ever
    select user_key, arg_min(variation_id, phase) as variation_id, arg_min(control, phase) as control
    from strata group by user_key
), page_done as (
    select p.event_id, p.user_key, p.variation_id
    from page p cross join scope
    where p.phase = 'completed' and p.experiment_id in (select experiment_id from chain)
      and p.at_us >= scope.since_us and p.at_us < scope.until_us
), named as (
    select page_done.*, firsts.variation_id as own, firsts.control
    from page_done left join firsts on firsts.user_key = page_done.user_key
    where page_done.user_key <> 0 and page_done.user_key not in (select user_key from forced)
), people as (
    select firsts.user_key, firsts.control, enrolled.log_us, enrolled.page_us
    from firsts join enrolled on enrolled.user_key = firsts.user_key
), in_scope as (
    select e.experiment_id
    from ev e cross join scope
    where e.type = 's' and e.interactive <> 1 and e.at_us >= scope.since_us and e.at_us < scope.until_us
      and exists (select 1 from phases where e.assigned_us >= phases.from_us and e.assigned_us < phases.until_us)
)
select 'carried' as name, count(*) as n from carried
union all select 'unknown_variation', count(*) from carried where not known
union all select 'missing_subject', count(*) from exposures where user_key = 0
union all select 'segment', count(*) from carried where segmented
union all select 'inactive', count(*) from carried where phase = 0
union all select 'in_flight', count(*) from carried where in_flight
union all select 'late', count(*) from carried where logged_us > at_us + 300000000
union all select 'logins_in_scope', count(*) from in_scope
union all select 'logins_without', count(*) from in_scope where experiment_id = ''
union all select 'forced_subjects', count(*) from forced
union all select 'exposed_subjects', count(distinct user_key) from exposures where user_key <> 0
union all select 'carry_over', count(distinct user_key) from strata where origin = -1
union all select 'unplaced_attempts', count(*) from attempts a
          where a.rule <> 'none' and not exists (select 1 from seen
                where seen.phase = a.phase and seen.user_key = a.user_key and seen.variation_id = a.variation_id)
union all select 'lost', count(*) from lost
union all select 'page_completed', count(*) from page_done
union all select 'page_completed_user', count(*) from named
union all select 'page_unmatched', count(*) from named where own is null
union all select 'page_control', count(*) from named where control
union all select 'page_variation_differs', count(*) from named where own is not null and own <> variation_id
union all select 'log_enrollments', count(*) from people where log_us > 0
union all select 'both_enrollments', count(*) from people where log_us > 0 and page_us > 0
union all select 'page_only_enrollments', count(*) from people where log_us = 0 and page_us > 0
union all select 'log_only_enrollments', count(*) from people where log_us > 0 and page_us = 0 and not control
union all select 'first_event_us', coalesce(min(at_us), 0) from carried
union all select 'last_event_us', coalesce(max(at_us), 0) from carried
union all select 'last_log_us', coalesce(max(e.at_us), 0) from ev e cross join scope where e.at_us < scope.until_us
union all select 'last_page_us', coalesce(max(p.at_us), 0) from page p cross join scope where p.at_us < scope.until_us
order by name
