-- name:    carried
-- asks:    which events carry the experiment, and in which phase did their login begin?
-- grain:   log_id
-- params:  none; reads ev, scope, chain, phases, variations, test_clients, test_users
-- columns: log_id UBIGINT, at_us BIGINT, late BOOLEAN, type VARCHAR, variation_id VARCHAR, user_key UBIGINT,
--          session_key UBIGINT, transaction_key UBIGINT, interactive UTINYINT, segmented BOOLEAN, known BOOLEAN,
--          tested BOOLEAN, phase INTEGER, in_flight BOOLEAN
-- Phase 0 means that no phase was open when the login began: the assignment was forced, or the login was
-- in flight when a phase ended (in_flight: within the grace after it). Phases with their grace do not overlap,
-- so an event meets at most one.
select e.log_id, e.at_us, e.logged_us > e.at_us + 300000000 as late, e.type, e.variation_id,
       e.user_key, e.session_key, e.transaction_key, e.interactive,
       e.allocation = 'segment' as segmented,
       variations.variation_id is not null as known,
       e.test or e.client_id in (select client_id from test_clients)
           or e.user_key in (select user_key from test_users) as tested,
       case when e.assigned_us < phases.until_us then phases.phase else 0 end as phase,
       phases.phase is not null and e.assigned_us >= phases.until_us as in_flight
from ev e
cross join scope
left join phases on phases.experiment_id = e.experiment_id
     and e.assigned_us >= phases.from_us and e.assigned_us < phases.grace_until_us
left join variations on variations.experiment_id = e.experiment_id and variations.variation_id = e.variation_id
where e.experiment_id in (select experiment_id from chain)
  and e.at_us >= scope.since_us and e.at_us < scope.until_us
