-- name:    lost
-- asks:    which prompts were shown to a known person who did not log in within the 30 minutes after?
-- grain:   event_id
-- params:  none; reads page_ids, ev_ids, readings, scope, chain, phases, forced, variations
-- columns: event_id UBIGINT, phase INTEGER, user_key UBIGINT, place INTEGER
-- Of several prompts within 30 minutes only the last one counts. A prompt younger than 30 minutes is not judged.
with named as (
    select distinct variation, place from variations
), shown as (
    select p.event_id, p.at_us, p.user_key, coalesce(named.place, 0) as place, phases.phase,
           lead(p.at_us) over (partition by p.user_key order by p.at_us, p.event_id) as next_us
    from page_ids p cross join scope
    join phases on phases.experiment = p.experiment and p.at_us >= phases.from_us and p.at_us < phases.until_us
    left join named on named.variation = p.variation
    where p.phase = 'shown' and p.user_key <> 0
      and p.experiment in (select experiment from chain)
      and p.at_us >= scope.since_us and p.at_us < scope.until_us
      and p.user_key not in (select user_key from forced)
), open_prompts as (
    select shown.* from shown cross join scope
    where (shown.next_us is null or shown.next_us > shown.at_us + 1800000000)
      and shown.at_us + 1800000000 <= scope.until_us
), answered as (
    select distinct o.event_id
    from ev_ids e
    join readings r on r.shape = e.shape
    join open_prompts o on o.user_key = e.user_key
     and e.at_us >= o.at_us and e.at_us <= o.at_us + 1800000000
    where r.login and e.at_us >= r.since_us and e.at_us < r.until_us
)
select event_id, phase, user_key, place
from open_prompts where event_id not in (select event_id from answered)
