-- name:    quality_events
-- asks:    which counts of events stand behind the data-quality flags?
-- grain:   carried
-- params:  none; reads tries, ev_ids, scope, chain
-- columns: carried BIGINT, unknown_variation HUGEINT, segment BIGINT, inactive HUGEINT, in_flight HUGEINT, late BIGINT,
--          logins_in_scope HUGEINT, logins_without HUGEINT, first_event_us BIGINT, last_event_us BIGINT
-- One row. Sums of nothing are 0 in all questions about quality, because an absent count would look like a broken one.
with told as (
    select count(*) as carried, count(*) filter (e.allocation = scope.segment) as segment,
           count(*) filter (e.logged_us > e.at_us + 300000000) as late,
           coalesce(min(e.at_us), 0) as first_event_us, coalesce(max(e.at_us), 0) as last_event_us
    from ev_ids e cross join scope
    where e.experiment in (select experiment from chain)
      and e.at_us >= scope.since_us and e.at_us < scope.until_us
), tried as (
    select coalesce(sum(n) filter (where carried and place = 0), 0) as unknown_variation,
           coalesce(sum(n) filter (where carried and phase = 0), 0) as inactive,
           coalesce(sum(n) filter (where in_flight), 0) as in_flight,
           coalesce(sum(n) filter (where login and not sso and phase > 0), 0) as logins_in_scope,
           coalesce(sum(n) filter (where login and not sso and phase > 0 and bare), 0) as logins_without
    from tries
)
select told.carried, tried.unknown_variation, told.segment, tried.inactive, tried.in_flight, told.late,
       tried.logins_in_scope, tried.logins_without, told.first_event_us, told.last_event_us
from told cross join tried
