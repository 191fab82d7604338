-- name:    quality_events
-- asks:    which counts of events stand behind the data-quality flags?
-- grain:   carried
-- params:  none; reads tries
-- columns: carried HUGEINT, unknown_variation HUGEINT, segment HUGEINT, inactive HUGEINT, in_flight HUGEINT, late HUGEINT,
--          logins_in_scope HUGEINT, logins_without HUGEINT, first_event_us BIGINT, last_event_us BIGINT
-- One row. Sums of nothing are 0 in all questions about quality, because an absent count would look like a broken one.
select coalesce(sum(n) filter (where carried), 0) as carried,
       coalesce(sum(n) filter (where carried and place = 0), 0) as unknown_variation,
       coalesce(sum(segmented) filter (where carried), 0) as segment,
       coalesce(sum(n) filter (where carried and phase = 0), 0) as inactive,
       coalesce(sum(n) filter (where in_flight), 0) as in_flight,
       coalesce(sum(late) filter (where carried), 0) as late,
       coalesce(sum(n) filter (where login and not sso and phase > 0), 0) as logins_in_scope,
       coalesce(sum(n) filter (where login and not sso and phase > 0 and bare), 0) as logins_without,
       coalesce(min(first_us) filter (where carried), 0) as first_event_us,
       coalesce(max(last_us) filter (where carried), 0) as last_event_us
from tries
