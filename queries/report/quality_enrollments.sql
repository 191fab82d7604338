-- name:    quality_enrollments
-- asks:    how do the enrollments of the page and of the tenant log agree with each other and with the assignments?
-- grain:   count
-- params:  none; reads strata, enrolled, forced, page_ids, scope, chain, variations
-- columns: count VARCHAR, n HUGEINT
with firsts as (      -- the first variation ever of those who enrolled
    select user_key, min(phase * 1000 + place) % 1000 as place, arg_min(control, phase) as control
    from strata where user_key in (select user_key from enrolled) group by user_key
), named as (
    select distinct variation, place from variations
), page_done as (
    select p.user_key, coalesce(named.place, 0) as place
    from page_ids p cross join scope
    left join named on named.variation = p.variation
    where p.phase = 'completed' and p.experiment in (select experiment from chain)
      and p.at_us >= scope.since_us and p.at_us < scope.until_us
), of_page as (
    select firsts.user_key is null as unmatched, firsts.control, firsts.place <> page_done.place as differs
    from page_done left join firsts on firsts.user_key = page_done.user_key
    where page_done.user_key <> 0 and page_done.user_key not in (select user_key from forced)
), of_people as (
    select enrolled.log_us > 0 as by_log, enrolled.page_us > 0 as by_page, firsts.control
    from firsts join enrolled on enrolled.user_key = firsts.user_key
)
select 'page_completed' as count, count(*)::hugeint as n from page_done
union all
select 'page_completed_user', count(*) from of_page
union all
select 'page_unmatched', count(*) from of_page where unmatched
union all
select 'page_control', count(*) from of_page where control
union all
select 'page_variation_differs', count(*) from of_page where differs
union all
select 'log_enrollments', count(*) from of_people where by_log
union all
select 'both_enrollments', count(*) from of_people where by_log and by_page
union all
select 'page_only_enrollments', count(*) from of_people where not by_log
union all
select 'log_only_treated', count(*) from of_people where not by_page and not control
union all
select 'both_control', count(*) from of_people where by_log and by_page and control
union all
select 'page_only_control', count(*) from of_people where not by_log and control
union all
select 'log_only_control', count(*) from of_people where not by_page and control
order by count
