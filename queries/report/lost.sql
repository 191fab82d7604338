-- name:    lost
-- asks:    which prompts were shown to a known person who did not log in within the 30 minutes after?
-- grain:   event_id
-- params:  none; reads page, carried, strays, scope, chain, phases, forced
-- columns: event_id UBIGINT, phase INTEGER, user_key UBIGINT, variation_id VARCHAR
-- Of several prompts within 30 minutes only the last one counts. A prompt younger than 30 minutes is not judged.
with shown as (
    select p.event_id, p.at_us, p.user_key, p.variation_id, phases.phase,
           lead(p.at_us) over (partition by p.user_key order by p.at_us, p.event_id) as next_us
    from page p cross join scope
    join phases on phases.experiment_id = p.experiment_id and p.at_us >= phases.from_us and p.at_us < phases.until_us
    where p.phase = 'shown' and p.user_key <> 0
      and p.experiment_id in (select experiment_id from chain)
      and p.at_us >= scope.since_us and p.at_us < scope.until_us
      and p.user_key not in (select user_key from forced)
), open_prompts as (
    select shown.* from shown cross join scope
    where (shown.next_us is null or shown.next_us > shown.at_us + 1800000000)
      and shown.at_us + 1800000000 <= scope.until_us
), logins as (
    select user_key, at_us from carried where type = 's' and user_key in (select user_key from open_prompts)
    union all
    select user_key, at_us from strays where type = 's' and user_key in (select user_key from open_prompts)
), answered as (
    select distinct o.event_id
    from open_prompts o join logins on logins.user_key = o.user_key
     and logins.at_us >= o.at_us and logins.at_us <= o.at_us + 1800000000
)
select event_id, phase, user_key, variation_id
from open_prompts where event_id not in (select event_id from answered)
