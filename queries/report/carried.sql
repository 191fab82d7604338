-- name:    carried
-- asks:    which events carry the experiment, and in which phase did their login begin?
-- grain:   log_id
-- params:  none; reads scope, chain, phases, arms, test_clients, test_users
-- columns: log_id UBIGINT, at_us BIGINT, assigned_us BIGINT, logged_us BIGINT, type VARCHAR,
--          variation_id VARCHAR, user_key UBIGINT, session_key UBIGINT, transaction_key UBIGINT,
--          interactive UTINYINT, segmented BOOLEAN, known BOOLEAN, tested BOOLEAN, phase INTEGER, in_flight BOOLEAN
-- Phase 0 means that no phase was open when the login began: the assignment was forced, or the login was
-- in flight when a phase ended (in_flight: within the grace after one).
with mine as (
    select e.* from ev e cross join scope
    where e.experiment_id in (select experiment_id from chain)
      and e.at_us >= scope.since_us and e.at_us < scope.until_us
), placed as (
    select mine.log_id, max(phases.phase) as phase
    from mine join phases on phases.experiment_id = mine.experiment_id
     and mine.assigned_us >= phases.from_us and mine.assigned_us < phases.until_us
    group by mine.log_id
), after_one as (
    select distinct mine.log_id
    from mine join phases on phases.experiment_id = mine.experiment_id
     and mine.assigned_us >= phases.until_us and mine.assigned_us < phases.until_us + phases.grace_us
)
select mine.log_id, mine.at_us, mine.assigned_us, mine.logged_us, mine.type,
       mine.variation_id, mine.user_key, mine.session_key, mine.transaction_key,
       mine.interactive, mine.allocation = 'segment' as segmented,
       (mine.experiment_id, mine.variation_id) in
           (select (phases.experiment_id, arms.variation_id) from arms join phases on phases.phase = arms.phase) as known,
       mine.test or mine.client_id in (select client_id from test_clients)
           or mine.user_key in (select user_key from test_users) as tested,
       coalesce(placed.phase, 0) as phase,
       placed.phase is null and after_one.log_id is not null as in_flight
from mine
left join placed on placed.log_id = mine.log_id
left join after_one on after_one.log_id = mine.log_id
