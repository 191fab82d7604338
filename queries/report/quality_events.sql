-- name:    quality_events
-- asks:    which counts of events stand behind the data-quality flags?
-- grain:   carried
-- params:  none; reads kinds, ev_ids, readings, periods
-- columns: carried HUGEINT, unknown_variation HUGEINT, segment HUGEINT, inactive HUGEINT, in_flight HUGEINT, late HUGEINT,
--          logins_in_scope HUGEINT, logins_without HUGEINT, first_event_us BIGINT, last_event_us BIGINT
-- One row. Sums of nothing are 0 in all questions about quality, because an absent count would look like a broken one.
with ours as (
    select sum(n) as carried, sum(n) filter (place = 0) as unknown_variation, sum(segment) as segment,
           sum(n) filter (phase = 0) as inactive, sum(n) filter (in_flight) as in_flight, sum(late) as late,
           sum(n) filter (login and not sso and phase > 0) as logins,
           min(first_us) as first_event_us, max(last_us) as last_event_us
    from kinds
), elsewhere as materialized (     -- as in the question untold
    select e.assigned_us, r.experiment = 0 as bare
    from ev_ids e join readings r on r.shape = e.shape
    where r.login and not r.sso and not r.ours and e.at_us >= r.since_us and e.at_us < r.until_us
), others as (
    select count(*)::hugeint as logins, (count(*) filter (e.bare))::hugeint as bare
    from elsewhere e
    join periods on periods.experiment = 4294967295
         and e.assigned_us >= periods.from_us and e.assigned_us < periods.until_us
)
select coalesce(ours.carried, 0) as carried, coalesce(ours.unknown_variation, 0) as unknown_variation,
       coalesce(ours.segment, 0) as segment, coalesce(ours.inactive, 0) as inactive, coalesce(ours.in_flight, 0) as in_flight,
       coalesce(ours.late, 0) as late, coalesce(ours.logins, 0) + others.logins as logins_in_scope,
       others.bare as logins_without, coalesce(ours.first_event_us, 0) as first_event_us,
       coalesce(ours.last_event_us, 0) as last_event_us
from ours cross join others
